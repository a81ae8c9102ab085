//! Whether replicas are synchronous, on a Pub/Sub that is late and loses messages. `make soak-sync` measures the same for
//! longer, and prints the report that a failure of this test shows.

use emulator_tests::synchrony::{Conditions, measure};
use tokio_util::sync::CancellationToken;

const SLOTS: u32 = 60;

#[tokio::test(flavor = "multi_thread")]
async fn replicas_answer_a_slot_alike() -> anyhow::Result<()> {
    let report = measure(&Conditions { slots: SLOTS, seed: 1 }, &CancellationToken::new()).await?;
    let [replicas, naive] = [&report.tally.replicas, &report.tally.naive];
    assert!(report.meets_target(), "{report}");
    // A programme that goes on: what stands still is alike for nothing.
    assert!(report.slots_shown >= u64::from(SLOTS) * 9 / 10, "{report}");
    assert!(report.killed >= 2 && report.left_behind == u64::from(report.killed), "{report}");
    // Differences can be seen: the same messages make servers differ that show what they have received.
    assert!(naive.rounds_differing * 10 > naive.rounds, "{report}");
    assert!(naive.alike() < naive.judged(), "{report}");
    // A machine that is busy with something else makes replicas late, in slots that are not judged.
    assert!(replicas.rounds_differing * 2 < naive.rounds_differing, "{report}");
    Ok(())
}
