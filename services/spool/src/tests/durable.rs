//! What `durability: host` adds: nothing is published before it is synced, and a sync that fails
//! is never trusted afterwards.

use std::path::Path;

use super::model_disk::ModelDisk;
use super::{config, open_model, push, read_all};
use crate::Durability;
use crate::disk::Disk;
use crate::number::{self, ACK, NumberFile};

#[test]
fn a_synced_append_survives_the_loss_of_all_else() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Host));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"kept");
    spool.writers[0].write().expect("the disk is well");
    push(&mut spool.writers[0], b"never written");
    drop(spool);
    disk.crash(Durability::Host, || false);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    assert_eq!(read_all(&mut spool), [(0, 0, b"kept".to_vec())]);
}

#[test]
fn with_process_nothing_is_promised_for_the_host_and_nothing_breaks() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"not synced");
    spool.writers[0].write().expect("the disk is well");
    drop(spool);
    disk.crash(Durability::Host, || false);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    assert_eq!(read_all(&mut spool), []);
}

#[test]
fn a_failed_sync_is_final_for_its_file() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Host));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"first");
    spool.writers[0].write().expect("the disk is well");
    push(&mut spool.writers[0], b"second");
    disk.state().failing_syncs = 1;
    spool.writers[0].write().expect_err("the sync fails");
    assert_eq!(read_all(&mut spool).len(), 1, "what is not synced is not published");
    assert!(!spool.writers[0].reserve(), "nothing is admitted while the disk fails");
    spool.writers[0].write().expect("the disk is well again");
    assert_eq!(disk.segments().len(), 2, "written again, into a new segment");
    assert_eq!(read_all(&mut spool), [(0, 1, b"second".to_vec())]);
    drop(spool);
    disk.crash(Durability::Host, || false);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    let both = [(0, 0, b"first".to_vec()), (0, 1, b"second".to_vec())];
    assert_eq!(read_all(&mut spool), both);
}

#[test]
fn second_copies_after_a_failed_sync_are_dropped() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Host));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"zero");
    spool.writers[0].write().expect("the disk is well");
    push(&mut spool.writers[0], b"once");
    disk.state().failing_syncs = 1;
    spool.writers[0].write().expect_err("the sync fails");
    spool.writers[0].write().expect("the disk is well again");
    let [first, second] = disk.segments().try_into().expect("two segments");
    // The cut of the first segment is lost with the host, its frame is not.
    let (header, len) = (crate::frame::header_len("gw") as usize, crate::frame::HEAD + 4);
    let mut copy = Vec::new();
    disk.edit(&second, |data| copy = data[header..header + len].to_vec());
    crate::frame::Seal::new(spool.writers[0].stream(), 1).close(&mut copy);
    disk.edit(&first, |data| data.extend_from_slice(&copy));
    drop(spool);
    disk.crash(Durability::Process, || true);
    let mut spool = open_model(&disk, &config, 2).expect("opens");
    let both = [(0, 0, b"zero".to_vec()), (0, 1, b"once".to_vec())];
    assert_eq!(read_all(&mut spool), both);
}

#[test]
fn a_torn_acknowledgement_leaves_the_one_before() {
    let dir = Path::new("/stream");
    // Further acknowledgements by the same life, and the first one of the next.
    for reopen in [false, true] {
        for bytes in 0..12 {
            let disk = ModelDisk::default();
            disk.create_dir(dir).expect("the disk is well");
            let mut file = NumberFile::new(dir, ACK, false);
            for seq in [3, 300, 70_000] {
                file.store(&disk, seq).expect("the disk is well");
                assert_eq!(number::load(&disk, dir, ACK).expect("readable"), Some(seq));
            }
            if reopen {
                file = NumberFile::new(dir, ACK, false);
                file.store(&disk, 70_001).expect("the disk is well");
                file = NumberFile::new(dir, ACK, false);
            }
            // Opening takes two steps.
            disk.state().left = Some(bytes + if reopen { 2 } else { 0 });
            file.store(&disk, u64::MAX - 1).expect_err("the process dies");
            disk.crash(Durability::Process, || true);
            let expected = if reopen { 70_001 } else { 70_000 };
            assert_eq!(
                number::load(&disk, dir, ACK).expect("readable"),
                Some(expected),
                "{bytes} bytes"
            );
        }
    }
}
