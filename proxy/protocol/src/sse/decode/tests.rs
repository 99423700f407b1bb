use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

type Frames = Vec<(String, Vec<u8>)>;

fn decode(packets: &[&[u8]], limit_bytes: usize) -> Result<Frames, TooLong> {
    let (mut decoder, mut frames) = (Decoder::new(limit_bytes), Frames::new());
    let mut keep = |frame: Frame<'_>| {
        frames.push((frame.event.to_owned(), frame.data.to_vec()));
        Ok::<_, TooLong>(())
    };
    packets.iter().try_for_each(|packet| decoder.feed(packet, &mut keep))?;
    decoder.finish(&mut keep)?;
    Ok(frames)
}

fn texts(stream: &str) -> Vec<(String, String)> {
    let frames = decode(&[stream.as_bytes()], 1 << 20).unwrap();
    frames.into_iter().map(|(event, data)| (event, String::from_utf8(data).unwrap())).collect()
}

fn pair(event: &str, data: &str) -> (String, String) {
    (event.to_owned(), data.to_owned())
}

#[test]
fn a_frame_has_a_name_and_data() {
    assert_eq!(texts("event: a\ndata: {\"x\":1}\n\ndata: 2\n\n"), [pair("a", "{\"x\":1}"), pair("", "2")]);
}

#[test]
fn every_line_ending_is_understood() {
    for end in ["\n", "\r", "\r\n"] {
        let stream = format!("event:a{end}data:1{end}{end}{end}data: 2{end}{end}");
        assert_eq!(texts(&stream), [pair("a", "1"), pair("", "2")], "{end:?}");
    }
}

#[test]
fn lines_of_data_are_joined() {
    assert_eq!(texts("data: a\ndata\ndata:  b\n\n"), [pair("", "a\n\n b")]);
}

#[test]
fn comments_and_unknown_fields_are_passed_over() {
    assert_eq!(texts(": hi\n\nid: 7\nretry: 9\n: x\ndata: 1\nfoo\n\n"), [pair("", "1")]);
}

#[test]
fn a_frame_without_data_is_none() {
    assert_eq!(texts("event: a\n\ndata: 1\n\n"), [pair("", "1")]);
}

#[test]
fn an_empty_data_line_is_a_frame() {
    assert_eq!(texts("data:\n\ndata\n\n"), [pair("", ""), pair("", "")]);
}

#[test]
fn the_last_name_counts() {
    assert_eq!(texts("event: a\nevent: b\ndata: 1\n\n"), [pair("b", "1")]);
}

#[test]
fn a_byte_order_mark_is_dropped_once() {
    assert_eq!(texts("\u{feff}data: 1\n\n\u{feff}data: 2\n\ndata: 3\n\n"), [pair("", "1"), pair("", "3")]);
}

#[test]
fn the_last_frame_needs_no_blank_line() {
    assert_eq!(texts("data: 1\n\ndata: 2"), [pair("", "1"), pair("", "2")]);
    assert_eq!(texts("data: 2\n"), [pair("", "2")]);
}

#[test]
fn a_frame_beyond_the_limit_is_an_error_however_it_arrives() {
    let whole: &[u8] = b"data: 12345\n\n";
    assert_eq!(decode(&[whole], 12).unwrap().len(), 1);
    assert_eq!(decode(&[whole], 11), Err(TooLong { limit_bytes: 11 }));
    assert_eq!(decode(&[&whole[..8], &whole[8..]], 11), Err(TooLong { limit_bytes: 11 }));
    let endless: Vec<&[u8]> = std::iter::repeat_n(&b"data: 1"[..], 10).collect();
    assert_eq!(decode(&endless, 11), Err(TooLong { limit_bytes: 11 }));
}

#[test]
fn an_error_of_the_reader_ends_the_feed() {
    #[derive(Debug, PartialEq)]
    struct Stop;
    impl From<TooLong> for Stop {
        fn from(_: TooLong) -> Self {
            Self
        }
    }
    let mut seen = 0;
    let fed = Decoder::new(100).feed(b"data: 1\n\ndata: 2\n\n", |_| {
        seen += 1;
        Err(Stop)
    });
    assert_eq!((fed, seen), (Err(Stop), 1));
}

fn line() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "data: x",
        "data:é",
        "data",
        "event: e",
        "event:",
        ": c",
        "",
        "",
        "id: 1",
        "\u{feff}data: b",
        "data: 🙂🙂",
    ]);
    let ends = prop::sample::select(vec!["\n", "\r", "\r\n", "\n\n", ""]);
    (pieces, ends).prop_map(|(piece, end)| format!("{piece}{end}").into_bytes())
}

proptest! {
    #[test]
    fn any_split_gives_the_same_frames(
        lines in vec(line(), 0..12),
        cuts in vec(any::<prop::sample::Index>(), 0..8),
    ) {
        let stream = lines.concat();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let packets: Vec<&[u8]> = cuts.windows(2).map(|pair| &stream[pair[0]..pair[1]]).collect();
        for limit_bytes in [16, 1024] {
            let whole = decode(&[&stream], limit_bytes);
            let bytewise: Vec<&[u8]> = stream.chunks(1).collect();
            prop_assert_eq!(&decode(&packets, limit_bytes), &whole);
            prop_assert_eq!(&decode(&bytewise, limit_bytes), &whole);
        }
    }
}
