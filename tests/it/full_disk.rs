//! A disk that is full: appends are refused with that reason, everything else goes on.
//!
//! Needs a small file system of its own, and with it the right to mount one. Where that is not
//! allowed the test says that it is skipped.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use quipu_client::{Client, Error, Expected, NewEvent};
use tempfile::TempDir;

use crate::events::{append, assert_dense, event, events, ids, log};
use crate::server::{TestServer, engine};

/// A mounted file system of 24 MiB.
struct SmallDisk {
    directory: TempDir,
}

impl SmallDisk {
    fn mount() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=24m", "tmpfs"]).arg(directory.path());
        let status = mount.stdout(Stdio::null()).stderr(Stdio::null()).status();
        status.is_ok_and(|status| status.success()).then_some(Self { directory })
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("data")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // What is still open keeps the file system until it is closed.
        let _ = Command::new("umount").arg("-l").arg(self.directory.path()).status();
    }
}

/// Appends until an append is refused; returns the ids of the events that were acknowledged.
async fn fill(client: &Client) -> Vec<uuid::Uuid> {
    let mut acknowledged = Vec::new();
    loop {
        let new = NewEvent::new("Large", vec![7; 500_000]);
        let id = new.id;
        match client.append("large", Expected::Any, vec![new]).await {
            Ok(_) => acknowledged.push(id),
            Err(Error::ResourceExhausted(fault)) => {
                assert_eq!(fault.reason.as_deref(), Some("DISK_FULL"));
                return acknowledged;
            }
            Err(other) => panic!("{other:?}"),
        }
        assert!(acknowledged.len() < 100, "the disk does not get full");
    }
}

async fn assert_holds(client: &Client, acknowledged: &[uuid::Uuid]) {
    let all = log(client).await;
    assert_dense(&all);
    assert_eq!(ids(&all), acknowledged);
}

fn ballast(disk: &Path) -> PathBuf {
    disk.parent().unwrap().join("ballast")
}

#[tokio::test]
async fn a_full_disk_refuses_appends_keeps_what_was_acknowledged_and_recovers() {
    let Some(disk) = SmallDisk::mount() else {
        let _ = writeln!(std::io::stderr(), "skipped: a full disk, since mounting a file system is not allowed here");
        return;
    };
    std::fs::write(ballast(&disk.data()), vec![0; 2 << 20]).unwrap();
    let mut server = TestServer::start_in(&disk.data(), &["--disk-reserve-bytes", "4194304"]);
    let client = server.client().await;
    let mut acknowledged = fill(&client).await;
    // sled may take several times the bytes that it is given, so less is left from the beginning.
    let least = if engine() == "sled" { 2 } else { 20 };
    assert!(acknowledged.len() > least, "{} events of 500 kB went in", acknowledged.len());
    for _ in 0..5 {
        let large = vec![NewEvent::new("Large", vec![7; 500_000])];
        let refused = client.append("large", Expected::Any, large).await;
        assert!(matches!(refused, Err(Error::ResourceExhausted(_))), "{refused:?}");
    }
    assert_holds(&client, &acknowledged).await;
    server.kill();
    server.run();
    let client = server.client().await;
    assert_holds(&client, &acknowledged).await;

    std::fs::remove_file(ballast(&disk.data())).unwrap();
    let new = event(0);
    acknowledged.push(new.id);
    append(&client, "small", vec![new]).await;
    assert_holds(&client, &acknowledged).await;
    server.restart().await;
    assert_holds(&server.client().await, &acknowledged).await;
}

#[tokio::test]
async fn a_reserve_larger_than_the_disk_lets_nothing_in_and_reads_go_on() {
    let mut server = TestServer::start();
    append(&server.client().await, "s", events(0..3)).await;
    server.stop().await;
    let full = TestServer::start_in(server.data(), &["--disk-reserve-bytes", "9000000000000000"]);
    let client = full.client().await;
    for expected in [Expected::Any, Expected::Revision(2)] {
        match client.append("s", expected, vec![event(0)]).await {
            Err(Error::ResourceExhausted(fault)) => assert_eq!(fault.reason.as_deref(), Some("DISK_FULL")),
            other => panic!("{other:?}"),
        }
    }
    let refused = client.append("s", Expected::NoStream, vec![event(0)]).await;
    assert!(matches!(refused, Err(Error::WrongExpectedRevision { .. })), "the guard comes first: {refused:?}");
    assert_eq!(log(&client).await.len(), 3);
}
