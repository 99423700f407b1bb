//! Any body is refused with a 400 or gives items that are accepted again, unchanged.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::read::Path;
use protocol::responses::request::{items, parse};
use serde_json::Value;

fuzz_target!(|body: &[u8]| {
    match parse(body, false) {
        Ok(request) => {
            let written: Vec<Value> = request
                .input
                .iter()
                .map(|item| serde_json::to_value(item).expect("items are JSON"))
                .collect();
            let again = items(written, &Path::Root).expect("what was accepted is accepted again");
            assert_eq!(again, request.input);
        }
        Err(error) => assert_eq!(error.status, 400),
    }
});
