use proptest::prelude::*;
use tools::policy::{Counts, Exceeded, Limit, Rates};

fn limit(rule: &str, per_response: Option<u32>, per_minute: Option<u32>) -> Limit {
    Limit { rule: rule.to_owned(), per_response, per_minute }
}

#[test]
fn a_response_gets_its_calls_and_no_more() {
    let limits = [limit("a", Some(2), None), limit("b", Some(3), None)];
    let mut counts = Counts::default();
    assert!(counts.take(&limits).is_ok() && counts.take(&limits).is_ok());
    assert_eq!(counts.take(&limits), Err(Exceeded { rule: "a".into() }));
    assert!(counts.take(&limits[1..]).is_ok(), "what is refused is not counted");
    assert_eq!(counts.take(&limits[1..]), Err(Exceeded { rule: "b".into() }));
    assert!(Counts::default().take(&limits).is_ok());
}

#[test]
fn a_minute_is_each_tenants_own() {
    let (rates, limits) = (Rates::default(), [limit("a", None, Some(1))]);
    assert!(rates.take("red", &limits, 5).is_ok() && rates.take("blue", &limits, 5).is_ok());
    assert_eq!(rates.take("red", &limits, 65), Err(Exceeded { rule: "a".into() }));
    assert!(rates.take("red", &limits, 66).is_ok());
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_minute_has_more_calls_than_allowed(most in 1..6_u32, steps in prop::collection::vec(0..40_u64, 1..80)) {
        let (rates, limits) = (Rates::default(), [limit("a", None, Some(most))]);
        let mut now = 0;
        let mut ran = Vec::new();
        for step in steps {
            now += step;
            let before = ran.iter().filter(|then| **then + 60 >= now).count();
            let taken = rates.take("red", &limits, now).is_ok();
            prop_assert_eq!(taken, before < usize::try_from(most).unwrap());
            if taken {
                ran.push(now);
            }
        }
    }
}
