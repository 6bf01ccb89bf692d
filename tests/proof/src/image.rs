//! A file system of one's own, in a file, mounted through a loop device. It can be cut off as by a power cut: what
//! was not synced is gone, and the next mount recovers its journal.

use std::path::{Path, PathBuf};
use std::process::Command;

use clap::ValueEnum;
use tempfile::TempDir;

/// Kinds of file systems.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FileSystem {
    /// Needs `mkfs.ext4`.
    Ext4,
    /// Needs `mkfs.xfs`.
    Xfs,
}

/// A mounted image.
#[derive(Debug)]
pub(crate) struct Image {
    home: Option<TempDir>,
    is_mounted: bool,
}

impl Image {
    /// Makes a file system of so many MiB and mounts it. Fails where that cannot be had.
    pub(crate) fn make(kind: FileSystem, mib: u64) -> Result<Self, String> {
        let home = tempfile::Builder::new().prefix("quipu-proof-").tempdir().map_err(|error| error.to_string())?;
        let mut image = Self { home: Some(home), is_mounted: false };
        std::fs::create_dir(image.mount_point()).map_err(|error| error.to_string())?;
        let file = std::fs::File::create(image.file()).map_err(|error| error.to_string())?;
        file.set_len(mib << 20).map_err(|error| error.to_string())?;
        let mut make = match kind {
            FileSystem::Ext4 => command("mkfs.ext4", &["-q", "-F", "-m", "0"]),
            FileSystem::Xfs => command("mkfs.xfs", &["-q", "-f"]),
        };
        run(make.arg(image.file()))?;
        image.mount()?;
        Ok(image)
    }

    /// Where it is mounted.
    pub(crate) fn mount_point(&self) -> PathBuf {
        self.directory().join("disk")
    }

    /// Fails where there is nothing to cut it off with.
    pub(crate) fn can_be_cut(&self) -> Result<(), String> {
        run(&mut command("xfs_io", &["-V"]))
    }

    /// Cuts it off: from now on every call to it fails, and nothing more reaches the image.
    pub(crate) fn cut(&self) -> Result<(), String> {
        run(command("xfs_io", &["-x", "-c", "shutdown"]).arg(self.mount_point()))
    }

    /// Unmounts it and mounts it again, which lets it recover.
    pub(crate) fn remount(&mut self) -> Result<(), String> {
        self.unmount()?;
        self.mount()
    }

    /// Leaves the image where it is, unmounted, and tells where.
    pub(crate) fn keep(mut self) -> PathBuf {
        // What can not be unmounted can be looked at where it is.
        let _ = self.unmount();
        let home = self.home.take().expect("it is there until now");
        home.keep()
    }

    fn directory(&self) -> &Path {
        self.home.as_ref().expect("it is there until the end").path()
    }

    fn file(&self) -> PathBuf {
        self.directory().join("image")
    }

    fn mount(&mut self) -> Result<(), String> {
        run(command("mount", &["-o", "loop"]).arg(self.file()).arg(self.mount_point()))?;
        self.is_mounted = true;
        Ok(())
    }

    fn unmount(&mut self) -> Result<(), String> {
        if self.is_mounted {
            run(command("umount", &[]).arg(self.mount_point()))?;
            self.is_mounted = false;
        }
        Ok(())
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.home.is_some() && self.unmount().is_err() {
            // Somebody still has it open: it goes when that ends.
            let _ = command("umount", &["-l"]).arg(self.mount_point()).status();
        }
    }
}

fn command(program: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

fn run(command: &mut Command) -> Result<(), String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let ended = command.output().map_err(|error| format!("{program} can not be run: {error}"))?;
    let said = String::from_utf8_lossy(&ended.stderr);
    if ended.status.success() { Ok(()) } else { Err(format!("{program} failed: {}", said.trim())) }
}
