//! Compiles the `.proto` files with protox, so that no protoc has to be installed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=listening_together");
    let files = ["play", "located_play", "session"].map(|name| format!("listening_together/v1/{name}.proto"));
    let descriptors = protox::compile(files, ["."])?;
    let mut config = prost_build::Config::new();
    config
        .bytes(["."])
        // Maps are encoded in key order: the same session is the same bytes wherever it is encoded.
        .btree_map(["."])
        // A play names a person, or tells one from others: its `Debug` is written by hand and tells nothing.
        .skip_debug([".listening_together.v1.Play", ".listening_together.v1.LocatedPlay"]);
    config.compile_fds(descriptors)?;
    Ok(())
}
