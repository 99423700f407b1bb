//! Whatever the bytes and however they are split, the frames are the same. The first byte says how they are split.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::sse::decode::{Decoder, TooLong};

type Frames = Vec<(String, Vec<u8>)>;

fn frames<'a>(packets: impl Iterator<Item = &'a [u8]>) -> Result<Frames, TooLong> {
    let (mut decoder, mut frames) = (Decoder::new(256), Frames::new());
    let mut keep = |frame: protocol::sse::decode::Frame<'_>| {
        frames.push((frame.event.to_owned(), frame.data.to_vec()));
        Ok::<_, TooLong>(())
    };
    for packet in packets {
        decoder.feed(packet, &mut keep)?;
    }
    decoder.finish(&mut keep)?;
    Ok(frames)
}

fuzz_target!(|bytes: &[u8]| {
    let Some((size, stream)) = bytes.split_first() else { return };
    let whole = frames(std::iter::once(stream));
    assert_eq!(frames(stream.chunks(usize::from(*size).max(1))), whole);
});
