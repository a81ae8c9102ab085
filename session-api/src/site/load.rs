//! Reading the site's directory.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::Path;
use std::sync::Arc;

use actix_web::http::header::HeaderValue;
use bytes::Bytes;

use super::{File, Site, caching};
use crate::coding::Coding;
use crate::snapshot::Representation;

/// The most that a site may take of the memory of a replica.
const MAX_BYTES: u64 = 64 * 1024 * 1024;
/// Deeper than any site; a symbolic link that leads back would have no end.
const MAX_DEPTH: usize = 16;

/// What the codings are called in names.
const SUFFIXES: [(Coding, &str); 3] =
    [(Coding::Brotli, ".br"), (Coding::Zstd, ".zst"), (Coding::Gzip, ".gz")];

/// Why a site cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum SiteError {
    /// A file or a directory cannot be read.
    #[error("cannot read {path} ({source})")]
    Read {
        /// Which.
        path: String,
        /// Why not.
        source: io::Error,
    },
    /// It has too many bytes.
    #[error("expected at most {MAX_BYTES} bytes of files: they are served from memory")]
    TooLarge,
    /// Its directories lie too deep in one another.
    #[error("expected at most {MAX_DEPTH} directories in one another: does a symbolic link lead back?")]
    TooDeep,
}

impl Site {
    /// Reads the files of `directory` and of those below.
    ///
    /// # Errors
    /// When something cannot be read, or is too much.
    pub fn load(directory: &Path) -> Result<Self, SiteError> {
        let mut found = Found { files: BTreeMap::new(), bytes: 0 };
        found.read_directory(directory, "/", 0)?;
        Ok(Self(Arc::new(by_path(&found.files))))
    }
}

/// What has been read, by path.
struct Found {
    files: BTreeMap<String, Bytes>,
    bytes: u64,
}

impl Found {
    fn read_directory(&mut self, directory: &Path, path: &str, depth: usize) -> Result<(), SiteError> {
        if depth > MAX_DEPTH {
            return Err(SiteError::TooDeep);
        }
        let unreadable = |source| SiteError::Read { path: path.to_owned(), source };
        for entry in std::fs::read_dir(directory).map_err(unreadable)? {
            let entry = entry.map_err(unreadable)?;
            // A name that is not UTF-8 cannot be asked for.
            let Ok(name) = entry.file_name().into_string() else { continue };
            if !name.starts_with('.') {
                self.read_entry(&entry.path(), format!("{path}{name}"), depth)?;
            }
        }
        Ok(())
    }

    fn read_entry(&mut self, entry: &Path, path: String, depth: usize) -> Result<(), SiteError> {
        let unreadable = |source| SiteError::Read { path: path.clone(), source };
        // Symbolic links are followed: a mounted volume of Kubernetes consists of them.
        let metadata = entry.metadata().map_err(unreadable)?;
        if metadata.is_dir() {
            return self.read_directory(entry, &format!("{path}/"), depth + 1);
        }
        self.bytes = self.bytes.saturating_add(metadata.len());
        if self.bytes > MAX_BYTES {
            return Err(SiteError::TooLarge);
        }
        let bytes = std::fs::read(entry).map_err(unreadable)?;
        self.files.insert(path, bytes.into());
        Ok(())
    }
}

fn by_path(found: &BTreeMap<String, Bytes>) -> HashMap<String, Arc<File>> {
    let mut files = HashMap::new();
    for (path, bytes) in found.iter().filter(|(path, _)| !is_coded_twin(path, found)) {
        let file = Arc::new(file(path, bytes, found));
        if let Some(directory) = path.strip_suffix("index.html").filter(|directory| directory.ends_with('/'))
        {
            files.insert(directory.to_owned(), Arc::clone(&file));
        }
        files.insert(path.clone(), file);
    }
    files
}

/// Whether it is another file in a coding.
fn is_coded_twin(path: &str, found: &BTreeMap<String, Bytes>) -> bool {
    SUFFIXES
        .iter()
        .any(|(_, suffix)| path.strip_suffix(suffix).is_some_and(|plain| found.contains_key(plain)))
}

fn file(path: &str, bytes: &Bytes, found: &BTreeMap<String, Bytes>) -> File {
    let coded = |coding: Coding| {
        let suffix = SUFFIXES.iter().find(|(known, _)| *known == coding).map(|(_, suffix)| suffix);
        let bytes = match suffix {
            Some(suffix) => found.get(&format!("{path}{suffix}"))?,
            None => bytes,
        };
        Some(Representation::new(bytes.clone(), coding, "site"))
    };
    let representations = Coding::ALL.map(coded);
    File { media_type: media_type(path), caching: caching::of(path), representations }
}

fn media_type(path: &str) -> HeaderValue {
    let guessed = mime_guess::from_path(path).first_or_octet_stream();
    let charset = if guessed.type_() == mime_guess::mime::TEXT { "; charset=utf-8" } else { "" };
    let text = format!("{}{charset}", guessed.essence_str());
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static("application/octet-stream"))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn site(files: &[(&str, &str)]) -> (tempfile::TempDir, Site) {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = directory.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let site = Site::load(directory.path()).unwrap();
        (directory, site)
    }

    #[test]
    fn files_have_their_types_and_directories_their_index() {
        let files = [
            ("index.html", "a"),
            ("about/index.html", "b"),
            ("globe.js", "c"),
            ("style.css", "d"),
            ("mask.bin", "e"),
            ("logo.svg", "f"),
            ("app.webmanifest", "g"),
            ("notes.txt.gz", "h"),
            (".hidden", "i"),
            (".git/config", "j"),
            ("myindex.html", "k"),
        ];
        let (_directory, site) = site(&files);
        let cases = [
            ("/", "text/html; charset=utf-8"),
            ("/index.html", "text/html; charset=utf-8"),
            ("/about/", "text/html; charset=utf-8"),
            ("/globe.js", "text/javascript; charset=utf-8"),
            ("/style.css", "text/css; charset=utf-8"),
            ("/mask.bin", "application/octet-stream"),
            ("/logo.svg", "image/svg+xml"),
            ("/app.webmanifest", "application/manifest+json"),
            ("/notes.txt.gz", "application/gzip"),
        ];
        for (path, expected) in cases {
            assert_eq!(site.file(path).unwrap().media_type, expected, "{path}");
        }
        for path in ["", "/about", "/.hidden", "/.git/config", "/my", "index.html", "/../index.html"] {
            assert!(site.file(path).is_none(), "{path}");
        }
        assert_eq!((site.len(), site.is_empty()), (11, false));
    }

    #[test]
    fn coded_files_belong_to_their_plain_one() {
        let (_directory, site) =
            site(&[("a.js", "plain"), ("a.js.br", "br"), ("a.js.zst", "zst"), ("b.js.gz", "gz")]);
        let file = site.file("/a.js").unwrap();
        let body = |coding| file.representation(coding).map(|found| found.body.as_ref());
        assert_eq!(body(Coding::Identity), Some(&b"plain"[..]));
        assert_eq!(body(Coding::Brotli), Some(&b"br"[..]));
        assert_eq!(body(Coding::Zstd), Some(&b"zst"[..]));
        assert_eq!(body(Coding::Gzip), None);
        assert!(file.is_coded() && site.file("/a.js.br").is_none());
        assert!(!site.file("/b.js.gz").unwrap().is_coded(), "it is a file of its own");
    }

    #[test]
    fn too_much_is_refused() {
        let (directory, _site) = site(&[("a/b", "")]);
        std::os::unix::fs::symlink(directory.path(), directory.path().join("a/again")).unwrap();
        assert!(matches!(Site::load(directory.path()), Err(SiteError::TooDeep)));
        let (directory, _site) = site(&[]);
        let file = fs::File::create(directory.path().join("large")).unwrap();
        file.set_len(MAX_BYTES + 1).unwrap();
        assert!(matches!(Site::load(directory.path()), Err(SiteError::TooLarge)));
        assert!(matches!(Site::load(&directory.path().join("gone")), Err(SiteError::Read { .. })));
    }
}
