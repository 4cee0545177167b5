//! The bytes on disk, against a second, naive reading of their description.

use proptest::prelude::*;
use record::Stream;

use super::model_disk::ModelDisk;
use super::{config, open_model, push};
use crate::Durability;
use crate::frame::{HEAD, Parsed, Seal, hash, write_head};

/// CRC-32C bit by bit, from its polynomial.
fn naive_crc(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for byte in bytes {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { crc >> 1 ^ 0x82f6_3b78 } else { crc >> 1 };
        }
    }
    !crc
}

fn stream(gateway: &str, epoch: u64, worker: u16) -> Stream {
    Stream { gateway: gateway.to_owned(), epoch, worker }
}

fn frame(seal: &Seal, seq: u64, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0; HEAD];
    frame.extend_from_slice(payload);
    write_head(&mut frame, u32::try_from(payload.len()).expect("short"), seq);
    seal.close(&mut frame);
    frame
}

#[test]
fn the_naive_crc_is_the_one_of_the_standard() {
    // RFC 3720, B.4: 32 bytes of zeros; and the usual check value.
    assert_eq!(naive_crc(&[0; 32]), 0x8a91_36aa);
    assert_eq!(naive_crc(b"123456789"), 0xe306_9283);
}

#[test]
fn a_segment_looks_as_described() {
    let (disk, config) = (ModelDisk::default(), config(3, Durability::Process));
    let mut spool = open_model(&disk, &config, 0x0102_0304_0506).expect("opens");
    let writer = &mut spool.writers[2];
    writer.skip();
    push(writer, b"{}");
    writer.write().expect("the disk is well");

    let mut header = b"TGSPOOL\n".to_vec();
    header.extend([1, 0, 0, 0]); // version
    header.extend([1, 0, 0, 0]); // number
    header.extend([6, 5, 4, 3, 2, 1, 0, 0]); // epoch
    header.extend([1, 0, 0, 0, 0, 0, 0, 0]); // first seq
    header.extend([2, 0]); // worker
    header.extend([2, 0, b'g', b'w']); // gateway
    header.extend(naive_crc(&header).to_le_bytes());

    let mut summed = b"{}".to_vec();
    summed.extend([2, 0, 0, 0]); // length
    summed.extend([1, 0, 0, 0, 0, 0, 0, 0]); // seq
    summed.extend([1, 0, 0, 0]); // number
    summed.extend([6, 5, 4, 3, 2, 1, 0, 0]); // epoch
    summed.extend([2, 0, b'g', b'w']); // worker, gateway
    let mut expected = header;
    expected.extend([2, 0, 0, 0]);
    expected.extend(naive_crc(&summed).to_le_bytes());
    expected.extend([1, 0, 0, 0, 0, 0, 0, 0]);
    expected.extend(b"{}");

    let [path] = disk.segments().try_into().expect("one segment");
    assert!(path.ends_with("streams/1108152157446-2/0000000001.seg"), "{}", path.display());
    let mut found = Vec::new();
    disk.edit(&path, |data| found = data.clone());
    assert_eq!(found.len(), 4 << 10, "it is preallocated");
    assert_eq!(found[..expected.len()], expected);
    assert!(found[expected.len()..].iter().all(|byte| *byte == 0));
}

#[test]
fn the_hash_is_that_of_the_bytes_alone() {
    let expected = u64::from(naive_crc(b"record")) << 32 | 6;
    assert_eq!(hash(b"record"), expected);
    for (epoch, number) in [(1, 1), (7, 9)] {
        let seal = Seal::new(&stream("gw", epoch, 0), number);
        let parsed = seal.parse(&frame(&seal, epoch, b"record"));
        assert_eq!(parsed, Parsed::Frame { seq: epoch, len: HEAD + 6, hash: expected });
    }
}

#[test]
fn a_frame_verifies_only_at_its_own_place() {
    let seal = Seal::new(&stream("gw", 5, 1), 3);
    let bytes = frame(&seal, 8, b"record");
    assert!(matches!(seal.parse(&bytes), Parsed::Frame { seq: 8, .. }));
    let others = [("other", 5, 1, 3), ("gw", 6, 1, 3), ("gw", 5, 0, 3), ("gw", 5, 1, 4)];
    for (gateway, epoch, worker, number) in others {
        let other = Seal::new(&stream(gateway, epoch, worker), number);
        assert_eq!(other.parse(&bytes), Parsed::Bad, "{gateway} {epoch} {worker} {number}");
    }
    assert_eq!(seal.parse(&[0; 100]), Parsed::End);
    let mut length_only = [0; 100];
    length_only[0] = 10;
    assert_eq!(seal.parse(&length_only), Parsed::Bad, "zeros behind a length do not verify");
}

#[test]
fn a_header_of_a_newer_program_stops_the_opening() {
    let (disk, config) = (ModelDisk::default(), config(1, Durability::Process));
    let mut spool = open_model(&disk, &config, 1).expect("opens");
    push(&mut spool.writers[0], b"kept");
    spool.writers[0].write().expect("the disk is well");
    drop(spool);
    let [path] = disk.segments().try_into().expect("one segment");
    disk.edit(&path, |data| data[8] = 2);
    assert!(open_model(&disk, &config, 2).is_err());
    assert_eq!(disk.segments(), [path], "nothing is removed");
}

proptest! {
    #[test]
    fn any_flipped_bit_is_found(
        payload in prop::collection::vec(any::<u8>(), 1..100),
        seq in any::<u64>(),
        bit in any::<prop::sample::Index>(),
    ) {
        let seal = Seal::new(&stream("gw", 5, 1), 3);
        let mut bytes = frame(&seal, seq, &payload);
        let bit = bit.index(bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        let verified = matches!(seal.parse(&bytes), Parsed::Frame { .. });
        prop_assert!(!verified);
    }
}
