//! Where Google's emulator is installed.

use std::{
    env,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The part of the gcloud SDK that holds the emulator.
const COMPONENT: &str = "platform/pubsub-emulator";

/// The directory of the emulator itself, for those who have it outside of an SDK: holds `lib/*.jar`.
const HOME_VARIABLE: &str = "PUBSUB_EMULATOR_HOME";

/// The emulator's program, and the Java that runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmulatorInstallation {
    /// The archive that `java -jar` runs.
    pub jar: PathBuf,
    /// The Java runtime.
    pub java: PathBuf,
}

/// What has to be installed before Google's emulator can be started.
#[derive(Debug, thiserror::Error)]
pub enum EmulatorMissing {
    /// No emulator in any of the usual places.
    #[error(
        "Google's Pub/Sub emulator was not found (looked in {}). Install the Debian package google-cloud-cli-pubsub-emulator, \
         or run `gcloud components install pubsub-emulator`, or set {HOME_VARIABLE} to the directory that holds its \
         lib/*.jar",
        looked_in.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
    )]
    Emulator {
        /// Where it was looked for.
        looked_in: Vec<PathBuf>,
    },
    /// No Java runtime.
    #[error(
        "Google's Pub/Sub emulator needs a Java runtime, and `{} -version` does not run: {reason}. Install Java 11 or newer \
         (on Debian: default-jre-headless), or set JAVA_HOME",
        java.display()
    )]
    Java {
        /// The program that was tried.
        java: PathBuf,
        /// Why it failed.
        reason: String,
    },
}

impl EmulatorInstallation {
    /// Looks in `PUBSUB_EMULATOR_HOME`, then in the gcloud SDK where it is usually installed, then where
    /// `gcloud` says.
    ///
    /// # Errors
    /// [`EmulatorMissing`], which says what to install.
    pub fn find() -> Result<Self, EmulatorMissing> {
        let jar = find_jar(candidates())?;
        let java =
            env::var_os("JAVA_HOME").map_or_else(|| "java".into(), |home| Path::new(&home).join("bin/java"));
        check_java(&java)?;
        Ok(Self { jar, java })
    }
}

/// Directories that may hold the emulator, the likeliest first. A home that was set by hand is the only one.
fn candidates() -> Box<dyn Iterator<Item = PathBuf>> {
    if let Some(home) = env::var_os(HOME_VARIABLE) {
        return Box::new(std::iter::once(home.into()));
    }
    let home = env::var_os("HOME").map(|home| Path::new(&home).join("google-cloud-sdk"));
    let usual = [env::var_os("CLOUDSDK_ROOT_DIR").map(PathBuf::from), home].into_iter().flatten();
    let usual = usual.chain(["/usr/lib/google-cloud-sdk", "/usr/share/google-cloud-sdk"].map(PathBuf::from));
    // Asked last, and only if the others have failed: gcloud takes a second to answer.
    let told = std::iter::once_with(sdk_root).flatten();
    Box::new(usual.chain(told).map(|root| root.join(COMPONENT)))
}

fn find_jar(candidates: impl Iterator<Item = PathBuf>) -> Result<PathBuf, EmulatorMissing> {
    let mut looked_in = Vec::new();
    for directory in candidates {
        if let Some(jar) = jar_in(&directory.join("lib")) {
            return Ok(jar);
        }
        looked_in.push(directory);
    }
    Err(EmulatorMissing::Emulator { looked_in })
}

fn jar_in(directory: &Path) -> Option<PathBuf> {
    let is_emulator = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("cloud-pubsub-emulator-") && name.ends_with(".jar"))
    };
    let jars = directory.read_dir().ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    jars.filter(is_emulator).max()
}

fn sdk_root() -> Option<PathBuf> {
    let gcloud =
        Command::new("gcloud").args(["info", "--format=value(installation.sdk_root)"]).output().ok()?;
    let root = String::from_utf8(gcloud.stdout).ok()?;
    Some(root.trim()).filter(|root| !root.is_empty()).map(PathBuf::from)
}

fn check_java(java: &Path) -> Result<(), EmulatorMissing> {
    let run = Command::new(java).arg("-version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let reason = match run {
        Ok(status) if status.success() => return Ok(()),
        Ok(status) => status.to_string(),
        Err(error) => error.to_string(),
    };
    Err(EmulatorMissing::Java { java: java.to_owned(), reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_jar_of_the_first_directory_that_has_one_is_taken() {
        let sdk = tempfile::tempdir().expect("a directory");
        let empty = sdk.path().join("empty");
        let lib = sdk.path().join("full/lib");
        std::fs::create_dir_all(&lib).expect("a directory");
        for name in
            ["cloud-pubsub-emulator-0.8.19-all.jar", "cloud-pubsub-emulator-0.8.20-all.jar", "other.jar"]
        {
            std::fs::write(lib.join(name), "").expect("a file");
        }
        let found = find_jar([empty, sdk.path().join("full")].into_iter()).expect("it is there");
        assert_eq!(found, lib.join("cloud-pubsub-emulator-0.8.20-all.jar"));
    }

    #[test]
    fn a_missing_emulator_says_what_to_install() {
        let nowhere = PathBuf::from("/nowhere/at/all");
        let text = find_jar([nowhere].into_iter()).expect_err("it is missing").to_string();
        for part in [
            "/nowhere/at/all",
            "google-cloud-cli-pubsub-emulator",
            "gcloud components install pubsub-emulator",
        ] {
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn a_missing_java_says_what_to_install() {
        let text = check_java(Path::new("/nowhere/java")).expect_err("it is missing").to_string();
        assert!(text.contains("/nowhere/java") && text.contains("default-jre-headless"), "{text}");
    }
}
