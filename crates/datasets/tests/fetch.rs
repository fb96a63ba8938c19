//! Downloads from servers that misbehave.

mod common;
#[path = "common/server.rs"]
mod server;

use common::{Known, Tiny, gzip, zip};
use server::{Manner, Server};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use taper_datasets::catalog::open_at;
use taper_datasets::fetch::{Options, Progress, fetch_with};
use taper_datasets::{Dataset, Error, FileStatus, Location, Trust, Verdict};

const IMAGES: &str = "train-images-idx3-ubyte.gz";

fn options(servers: &[&Server]) -> Options {
    Options {
        mirrors: Some(servers.iter().map(|server| server.base()).collect()),
        attempts: 3,
        pause: Duration::from_millis(2),
        timeout: Duration::from_millis(400),
    }
}

/// Everything served well, but for the training images.
fn serve(tiny: &Tiny, images: Manner) -> Server {
    let manner = |name: &str, bytes| {
        if name == IMAGES {
            images.clone()
        } else {
            Manner::Well(bytes)
        }
    };
    Server::start(
        tiny.packed()
            .into_iter()
            .map(|(name, bytes)| (name.clone(), manner(&name, bytes))),
    )
}

fn fetch(tiny: &Tiny, dir: &Path, servers: &[&Server]) -> Result<Vec<FileStatus>, Error> {
    let start = Instant::now();
    let result = fetch_with(&tiny.entry, dir, &options(servers), &mut |_| {});
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "a download must not hang"
    );
    result
}

/// All four files are in place, right, and alone.
fn check(tiny: &Tiny, dir: &Path) {
    for (name, raw) in &tiny.raw {
        assert_eq!(&fs::read(dir.join(name)).unwrap(), raw, "{name}");
    }
    let left: Vec<_> = fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(
        !left
            .iter()
            .any(|name| name.to_string_lossy().contains(".part")),
        "{left:?}"
    );
    let splits = open_at(
        &tiny.entry,
        &Location {
            dir: dir.into(),
            bundled: None,
        },
    )
    .unwrap();
    assert_eq!(splits.train().len(), 600);
}

fn images(tiny: &Tiny) -> Vec<u8> {
    tiny.packed().swap_remove(0).1
}

#[test]
fn a_good_server_and_then_nothing_to_do() {
    for known in [Known::Raw, Known::Gzip, Known::Nothing] {
        let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(known));
        let server = serve(&tiny, Manner::Well(images(&tiny)));
        let mut events = Vec::new();
        let statuses = fetch_with(
            &tiny.entry,
            dir.path(),
            &options(&[&server]),
            &mut |event| {
                events.push(format!("{event:?}"));
            },
        );
        let trust = if known == Known::Nothing {
            Trust::FirstUse
        } else {
            Trust::Published
        };
        for status in statuses.unwrap() {
            assert!(
                matches!(status.verdict, Verdict::Sound { trust: found, .. } if found == trust),
                "{status:?}"
            );
        }
        for kind in ["Started", "Advanced", "Verifying", "Done"] {
            assert!(
                events.iter().any(|event| event.starts_with(kind)),
                "{kind} in {events:?}"
            );
        }
        check(&tiny, dir.path());
        let requests = server.requests().len();
        let mut present = 0;
        fetch_with(
            &tiny.entry,
            dir.path(),
            &options(&[&server]),
            &mut |event| {
                present += usize::from(matches!(event, Progress::Present { .. }));
            },
        )
        .unwrap();
        assert_eq!((present, server.requests().len()), (4, requests));
    }
}

#[test]
fn a_mirror_without_the_file_is_skipped() {
    for bad in [
        Manner::Status(404),
        Manner::Status(403),
        Manner::Html,
        Manner::DisguisedHtml,
        Manner::Endless,
    ] {
        let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
        let (bad, good) = (serve(&tiny, bad), serve(&tiny, Manner::Well(images(&tiny))));
        fetch(&tiny, dir.path(), &[&bad, &good]).unwrap();
        check(&tiny, dir.path());
        assert_eq!(
            bad.requests()
                .iter()
                .filter(|(path, _)| path == IMAGES)
                .count(),
            1,
            "no use in asking again"
        );
        assert_eq!(good.requests().len(), 1);
    }
}

#[test]
fn a_cut_connection_is_resumed_where_it_broke() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    let server = serve(&tiny, Manner::CutEvery(3_000, images(&tiny)));
    fetch(&tiny, dir.path(), &[&server]).unwrap();
    check(&tiny, dir.path());
    let ranges: Vec<_> = server
        .requests()
        .into_iter()
        .filter(|(path, _)| path == IMAGES)
        .map(|(_, range)| range)
        .collect();
    assert!(ranges.len() >= 3, "{ranges:?}");
    assert_eq!(
        ranges[..3],
        [None, Some("bytes=3000-".into()), Some("bytes=6000-".into())]
    );
}

#[test]
fn a_download_left_by_an_earlier_run_is_resumed() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Gzip));
    let part = dir.path().join(format!("{IMAGES}.part"));
    fs::write(&part, &images(&tiny)[..1234]).unwrap();
    let server = serve(&tiny, Manner::Well(images(&tiny)));
    fetch(&tiny, dir.path(), &[&server]).unwrap();
    check(&tiny, dir.path());
    assert_eq!(
        server.requests()[0],
        (IMAGES.into(), Some("bytes=1234-".into()))
    );

    // Whole already: the server has nothing left to send.
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(format!("{IMAGES}.part")), images(&tiny)).unwrap();
    fetch(&tiny, dir.path(), &[&server]).unwrap();
    check(&tiny, dir.path());
}

#[test]
fn wrong_bytes_in_a_partial_file_cost_a_second_download_only() {
    for wrong in [vec![7; 1000], vec![7; 60_000]] {
        let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
        fs::write(dir.path().join(format!("{IMAGES}.part")), wrong).unwrap();
        let server = serve(&tiny, Manner::Well(images(&tiny)));
        fetch(&tiny, dir.path(), &[&server]).unwrap();
        check(&tiny, dir.path());
    }
}

#[test]
fn a_server_without_ranges_starts_over() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    let server = serve(&tiny, Manner::NoRanges(images(&tiny)));
    fetch(&tiny, dir.path(), &[&server]).unwrap();
    check(&tiny, dir.path());
    let requests = server.requests();
    assert!(
        requests[0].1.is_none() && requests[1].1.is_some(),
        "{requests:?}"
    );
}

#[test]
fn a_server_that_recovers_is_asked_again() {
    for status in [500, 503, 429] {
        let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
        let server = serve(&tiny, Manner::Recovering(status, images(&tiny)));
        fetch(&tiny, dir.path(), &[&server]).unwrap();
        check(&tiny, dir.path());
    }
}

#[test]
fn a_server_that_does_not_answer_in_time_is_given_up() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    let slow = serve(
        &tiny,
        Manner::Slow(Duration::from_millis(900), images(&tiny)),
    );
    let good = serve(&tiny, Manner::Well(images(&tiny)));
    fetch(&tiny, dir.path(), &[&slow, &good]).unwrap();
    check(&tiny, dir.path());
}

#[test]
fn other_forms_of_the_same_file_are_accepted() {
    // Unpacked on the way, compressed otherwise, or sent without a length: the raw digest is what counts.
    let tiny = Tiny::new(Known::Raw);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, &tiny.raw[0].1).unwrap();
    let manners = [
        Manner::Well(tiny.raw[0].1.clone()),
        Manner::Well(encoder.finish().unwrap()),
        Manner::WithoutLength(images(&tiny)),
    ];
    for manner in manners {
        let dir = tempfile::tempdir().unwrap();
        fetch(&tiny, dir.path(), &[&serve(&tiny, manner)]).unwrap();
        check(&tiny, dir.path());
    }
}

#[test]
fn wrong_bytes_are_never_put_in_place() {
    let mut raw = Tiny::new(Known::Raw).raw[0].1.clone();
    raw[100] ^= 1;
    let damaged = |tiny: &Tiny| {
        let mut bytes = images(tiny);
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x10;
        bytes
    };
    for known in [Known::Raw, Known::Gzip] {
        let tiny = Tiny::new(known);
        for wrong in [
            gzip(&raw),
            damaged(&tiny),
            b"\x1f\x8b nonsense".to_vec(),
            b"short".to_vec(),
            raw[..500].to_vec(),
        ] {
            let dir = tempfile::tempdir().unwrap();
            let server = serve(&tiny, Manner::Well(wrong.clone()));
            let error = fetch(&tiny, dir.path(), &[&server]).unwrap_err();
            assert!(matches!(error, Error::Download { .. }), "{error}");
            assert!(!dir.path().join("train-images-idx3-ubyte").exists());
            // The next mirror is not harmed by what this one sent.
            let (bad, good) = (
                serve(&tiny, Manner::Well(wrong)),
                serve(&tiny, Manner::Well(images(&tiny))),
            );
            fetch(&tiny, dir.path(), &[&bad, &good]).unwrap();
            check(&tiny, dir.path());
        }
    }
}

#[test]
fn offline_every_mirror_and_the_way_out_are_named() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    // An address where nothing listens: taken, then given back.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let html = serve(&tiny, Manner::Html);
    let mut options = options(&[&html]);
    options
        .mirrors
        .as_mut()
        .unwrap()
        .insert(0, format!("http://{closed}"));
    let mut given_up = 0;
    let error = fetch_with(&tiny.entry, dir.path(), &options, &mut |event| {
        given_up += usize::from(matches!(event, Progress::MirrorFailed { .. }));
    })
    .unwrap_err();
    let text = error.to_string();
    let Error::Download { attempts, .. } = error else {
        panic!("{text}")
    };
    assert_eq!((attempts.len(), given_up), (2, 2));
    assert!(
        attempts[0].contains(&closed.to_string()) && attempts[0].contains("refused"),
        "{text}"
    );
    assert!(attempts[1].contains("HTML page"), "{text}");
    assert!(
        text.contains("--data-dir") && text.contains("t10k-labels-idx1-ubyte.gz"),
        "{text}"
    );
}

#[test]
fn a_file_in_the_way_is_not_overwritten() {
    let (dir, tiny) = (tempfile::tempdir().unwrap(), Tiny::new(Known::Raw));
    let path = dir.path().join("train-labels-idx1-ubyte");
    fs::write(&path, b"my notes").unwrap();
    let error = fetch(
        &tiny,
        dir.path(),
        &[&serve(&tiny, Manner::Well(images(&tiny)))],
    )
    .unwrap_err()
    .to_string();
    assert!(
        error.contains("in the way") && error.contains("train-labels"),
        "{error}"
    );
    assert_eq!(fs::read(&path).unwrap(), b"my notes");
}

#[test]
fn the_archive_stands_in_for_the_mirrors() {
    let tiny = Tiny::new(Known::Gzip);
    let archive = zip(&tiny.packed());
    let tiny = tiny.with_archive(&archive);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start([(
        "gzip.zip".to_string(),
        Manner::CutEvery(4_000, archive.clone()),
    )]);
    fetch(&tiny, dir.path(), &[&server]).unwrap();
    check(&tiny, dir.path());
    assert_eq!(fs::read(dir.path().join("gzip.zip")).unwrap(), archive);
    assert_eq!(
        server
            .requests()
            .iter()
            .filter(|(path, range)| path == "gzip.zip" && range.is_none())
            .count(),
        1
    );

    let mut wrong = archive.clone();
    wrong[50] ^= 1;
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start([("gzip.zip".to_string(), Manner::Well(wrong))]);
    let error = fetch(&tiny, dir.path(), &[&server])
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("gzip.zip") && error.contains("SHA-256") && error.contains("404"),
        "{error}"
    );
    assert!(!dir.path().join("gzip.zip").exists());
}

#[test]
fn the_real_mnist_comes_through_whole() {
    // One file of 47 MB, unpacked by the server, the others as they are: no limit of the HTTP client is in the way.
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/mnist");
    let mnist = taper_datasets::catalog::find("mnist").unwrap();
    let files = mnist.files().map(|(file, _)| {
        let mut bytes = fs::read(fixtures.join(format!("{}.gz", file.name))).unwrap();
        if file.name == "train-images-idx3-ubyte" {
            let mut raw = Vec::new();
            std::io::Read::read_to_end(&mut flate2::read::GzDecoder::new(&bytes[..]), &mut raw)
                .unwrap();
            bytes = raw;
        }
        (format!("{}.gz", file.name), Manner::Well(bytes))
    });
    let (dir, server) = (tempfile::tempdir().unwrap(), Server::start(files));
    let statuses = fetch_with(mnist, dir.path(), &options(&[&server]), &mut |_| {}).unwrap();
    let published = |status: &FileStatus| {
        matches!(
            status.verdict,
            Verdict::Sound {
                trust: Trust::Published,
                ..
            }
        )
    };
    assert!(statuses.iter().all(published), "{statuses:?}");
}

#[test]
fn several_fetch_into_one_folder_in_turn() {
    let (tiny, dir) = (Tiny::new(Known::Gzip), tempfile::tempdir().unwrap());
    let server = serve(&tiny, Manner::Well(images(&tiny)));
    let left = dir
        .path()
        .join(".train-images-idx3-ubyte.0123456789abcdef.taper-partial");
    fs::write(&left, [0; 100]).unwrap();
    let waited = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut progress = |progress: Progress<'_>| {
                    if matches!(progress, Progress::Waiting { .. }) {
                        waited.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    }
                };
                let options = options(&[&server]);
                fetch_with(&tiny.entry, dir.path(), &options, &mut progress).unwrap();
            });
        }
    });
    check(&tiny, dir.path());
    assert!(!left.exists());
    // Only the first has asked the server.
    assert_eq!(server.requests().len(), 4);
    assert!(waited.into_inner() >= 1);
}

#[test]
fn a_download_that_is_packed_otherwise_is_not_taken_for_the_published_one() {
    let (tiny, dir) = (Tiny::new(Known::Gzip), tempfile::tempdir().unwrap());
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::none());
    std::io::Write::write_all(&mut encoder, &tiny.raw[0].1).unwrap();
    let server = serve(&tiny, Manner::Well(encoder.finish().unwrap()));
    let error = fetch(&tiny, dir.path(), &[&server])
        .unwrap_err()
        .to_string();
    assert!(error.contains("published for the gzip file"), "{error}");
    assert!(!dir.path().join("train-images-idx3-ubyte").exists());
}
