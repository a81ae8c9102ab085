//! Databases that are replaced while plays are held.

use super::*;

#[test]
fn plays_located_in_two_editions_of_the_databases_meet() {
    let mut story = Story::new(rules());
    let fixture = AtlasFixture::new();
    story.play("ana", "song", BERLIN, 1200);
    story.engine.replace_databases(fixture.databases());
    assert!(!story.engine.can_replace_databases(), "the window still refers to the edition before");
    story.play("bo", "song", LIMA, 1300);
    story.time(3000).confirm_all();
    assert_eq!(story.announced, ["1: song #0"]);
    story.time(31_500);
    assert!(!story.engine.can_replace_databases());
    story.time(33_000);
    assert!(story.engine.can_replace_databases(), "the window has expired");
}

#[test]
fn an_edition_is_kept_for_a_session_whose_window_has_expired() {
    let window = WindowRules { allowed_lateness: Duration::ZERO, ..rules().window };
    let mut story = Story::new(Rules { window, ..rules() });
    story.play("ana", "song", BERLIN, 1200).play("bo", "song", LIMA, 1300).time(2900);
    story.engine.replace_databases(AtlasFixture::new().databases());
    story.time(2950);
    assert!(!story.engine.can_replace_databases(), "the session waits for its slot");
    story.time(3000);
    assert_eq!(story.announced, ["1: song #0"]);
    assert!(story.engine.can_replace_databases());
}
