//! A disk that is full at every write of a run in turn: by a seam in the writing of files, and, where the system lets us
//! make one, on a small disk in memory (Linux, `unshare`).

use std::process::Command;

use anyhow::{Result, bail};
use taper_files::Action;
use taper_files::faults::Fail;

use super::child::Child;
use super::ends::{leftovers, unreadable};
use super::kill::compared;
use super::lab::Lab;
use super::place::{How, Place, Whole};
use super::plan::{Found, Plan};

/// A page of memory, of which such a disk is made.
const PAGE: u64 = 4096;

/// What is done on the disk: a training, as long as there is space; then there is space, and it is gone on with.
const SCRIPT: &str = r#"
disk=$1 size=$2 broken=$3 out=$4
shift 4
mount -t tmpfs -o "size=$size" taper "$disk" || exit 99
"$@" soak.toml --out "$disk"
echo $? > "$broken.code"
cp -R "$disk" "$broken" || exit 98
mount -o remount,size=1g "$disk" || exit 99
run=
for folder in "$disk"/*; do
    if [ -f "$folder/study.toml" ]; then run=$folder; fi
done
if [ -n "$run" ]; then "$@" --resume "$run"; else rm -rf "$disk"/*; "$@" soak.toml --out "$disk"; fi
code=$?
cp -R "$disk" "$out" || exit 98
exit $code
"#;

/// Lets the disk be full from every so many-th write of a run on, and goes on with each run when there is space again.
/// Then the same on disks that have room for so many pages, one after the other.
///
/// # Errors
/// Files that cannot be written although there is space: no fault of what is tried.
pub(crate) fn full(place: &Place, whole: &Whole, plan: &Plan<'_>) -> Result<Found> {
    let mut found = Found::default();
    let lab = Lab::new(place, whole, "full")?;
    let writes = |steps: &[Action], left: bool| -> Vec<(usize, bool)> {
        let steps = steps.iter().enumerate();
        let needs_space =
            |action: &Action| matches!(action, Action::Write | Action::Create | Action::Open);
        steps
            .filter(|(_, action)| needs_space(action))
            .map(|(step, _)| (step, left))
            .collect()
    };
    let all = [writes(&lab.steps, false), writes(&lab.steps_left, true)].concat();
    let all: Vec<_> = all.into_iter().step_by(plan.every).collect();
    let sizes = sizes(place)?;
    let sizes: Vec<u64> = sizes.into_iter().step_by(plan.every).collect();
    let rounds = all.len() + sizes.len();
    for &(step, left) in &all {
        if plan.watch.stopped() {
            return Ok(found);
        }
        let name = if left { "left" } else { "new" };
        let wrong = lab.attempt(&format!("{name}-{step}"), Fail::From(step), left)?;
        found.count("writes");
        found.round(
            rounds,
            &format!("the disk was full from step {step} on ({name})"),
            wrong,
            plan.watch,
        );
    }
    for &pages in &sizes {
        if plan.watch.stopped() {
            break;
        }
        let wrong = on_a_disk_of(pages, place, whole, &mut found)?;
        found.round(
            rounds,
            &format!("a disk of {pages} pages"),
            wrong,
            plan.watch,
        );
    }
    if sizes.is_empty() {
        found.count("no small disk: the system lets us make none");
    }
    Ok(found)
}

/// Disks that are too small for the undisturbed run, in pages; none if the system lets us make none.
fn sizes(place: &Place) -> Result<Vec<u64>> {
    let mut probe = small_disk(place, 1, "probe")?;
    probe.arg("true");
    let status = probe
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status();
    place.clear("probe")?;
    place.clear("probe-broken")?;
    if !status.is_ok_and(|status| status.success()) {
        return Ok(Vec::new());
    }
    let Some(run) = place.run("whole") else {
        bail!("there is no undisturbed run");
    };
    // While a checkpoint is written it is there twice.
    let files = super::ends::files(&run)?;
    let pages = |length: u64| length.div_ceil(PAGE);
    let lengths = files
        .iter()
        .map(|path| std::fs::metadata(path).map(|file| pages(file.len())));
    let lengths: Vec<u64> = lengths.collect::<std::io::Result<_>>()?;
    let most = lengths.iter().sum::<u64>() + lengths.iter().max().copied().unwrap_or(0);
    Ok((1..most).collect())
}

/// The beginning of a command that is carried out on a small disk.
fn small_disk(place: &Place, pages: u64, out: &str) -> Result<Command> {
    let disk = place.path("disk");
    std::fs::create_dir_all(&disk)?;
    let broken = format!("{out}-broken");
    place.clear(out)?;
    place.clear(&broken)?;
    let mut command = Command::new("unshare");
    command.args([
        "--user",
        "--map-root-user",
        "--mount",
        "sh",
        "-c",
        SCRIPT,
        "sh",
    ]);
    command
        .arg(disk)
        .arg((pages * PAGE).to_string())
        .arg(place.path(&broken))
        .arg(place.path(out));
    Ok(command)
}

fn on_a_disk_of(
    pages: u64,
    place: &Place,
    whole: &Whole,
    found: &mut Found,
) -> Result<Vec<String>> {
    let out = format!("disk-{pages}");
    let broken = format!("{out}-broken");
    let mut command = small_disk(place, pages, &out)?;
    place.pass_on(&mut command, How::USUAL);
    let status = Child::start(&mut command, &place.log(&out))?.end()?;
    let mut wrong = Vec::new();
    let log = place.log(&out);
    let code = place.path(&format!("{broken}.code"));
    match std::fs::read_to_string(&code).unwrap_or_default().trim() {
        "0" => found.count("disks that were large enough"),
        "1" => found.count("disks that were full"),
        code => wrong.push(format!(
            "exit code {code} of a full disk, see {}",
            log.display()
        )),
    }
    if !status.success() {
        wrong.push(format!(
            "going on when there is space: {status}, see {}",
            log.display()
        ));
    }
    if place.said(&out).contains("panicked") {
        wrong.push(format!("a panic, see {}", log.display()));
    }
    match place.run(&broken) {
        Some(run) => {
            wrong.extend(unreadable(&run)?);
            wrong.extend(leftovers(&run)?);
        }
        None => {
            found.count("disks too small to begin");
            let begun = std::fs::read_dir(place.path(&broken))?.flatten();
            wrong.extend(begun.map(|entry| format!("{} is left over", entry.path().display())));
        }
    }
    wrong.extend(compared(place.run(&out).as_deref(), whole)?);
    if wrong.is_empty() {
        place.clear(&out)?;
        place.clear(&broken)?;
        std::fs::remove_file(code)?;
    }
    Ok(wrong)
}
