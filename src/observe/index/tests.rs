use super::*;

fn id(name: &str) -> Id {
    ("partner-emea".into(), name.into())
}

fn with_domain(domain: &str) -> Option<References> {
    Some(References {
        domain: Some(domain.into()),
        ..References::default()
    })
}

#[test]
fn domains_above_equal_and_below_are_in_the_way() {
    let mut index = Index::default();
    index.set(&id("above"), with_domain("a.example"));
    index.set(&id("below"), with_domain("x.shop.a.example"));
    index.set(&id("beside"), with_domain("b.example"));
    index.set(&id("longer"), with_domain("shop.a.examples"));
    let found: BTreeSet<_> = index
        .in_the_way("shop.a.example")
        .into_iter()
        .cloned()
        .collect();
    let claimants = ["above", "below"].map(|name| Claimant::Customer(id(name)));
    assert_eq!(found, claimants.into());
}

#[test]
fn a_tenant_keeps_the_domain_that_is_recorded_until_another_is() {
    let mut index = Index::default();
    let tenant = Claimant::Tenant("emea--globex".into());
    index.set_tenant_domain("emea--globex", Some("a.example".into()));
    index.set(&id("globex"), with_domain("a.example"));
    index.set(&id("globex"), None);
    assert_eq!(index.in_the_way("shop.a.example"), [&tenant]);
    index.set_tenant_domain("emea--globex", Some("b.example".into()));
    assert_eq!(index.in_the_way("b.example"), [&tenant]);
    index.set_tenant_domain("emea--globex", None);
    assert!(index.by_domain.is_empty());
}

#[test]
fn what_is_taken_away_leaves_nothing_behind() {
    let mut index = Index::default();
    let references = References {
        plan: Some("p".into()),
        services: ["storage".to_owned()].into(),
        routes: vec![RouteReference {
            name: "r".into(),
            namespace: Some("partner-emea".into()),
            withdrawn: false,
        }],
        domain: Some("a.example".into()),
        number: Some("1".into()),
        ..References::default()
    };
    index.set(&id("a"), Some(references.clone()));
    assert!(!index.number_is_free(None, "1"));
    assert_eq!(index.set(&id("a"), None), Some(references));
    assert!(index.number_is_free(None, "1"));
    assert_eq!(
        index.with_plan("p").count()
            + index.with_route("partner-emea", "r").count()
            + index.with_service("storage").count(),
        0
    );
    assert!(index.in_the_way("a.example").is_empty() && index.by_domain.is_empty());
}

#[test]
fn what_is_withdrawn_is_news_once() {
    let mut index = Index::default();
    let both = BTreeSet::from(["dns".to_owned(), "storage".to_owned()]);
    let one = BTreeSet::from(["dns".to_owned()]);
    assert!(index.set_withdrawn(&id("a"), &both) && !index.set_withdrawn(&id("a"), &both));
    assert!(index.set_withdrawn(&id("a"), &one));
    assert_eq!(index.withdrawn().keys().collect::<Vec<_>>(), ["dns"]);
    assert!(index.set_withdrawn(&id("a"), &BTreeSet::new()) && index.withdrawn().is_empty());
}

#[test]
fn a_number_is_claimed_per_provider() {
    let mut index = Index::default();
    index.set_tenant_number("a--b", Some((Some("one".into()), "C-1".into())));
    assert!(!index.number_is_free(Some("one"), "C-1") && index.number_is_free(Some("two"), "C-1"));
    index.set_tenant_number("a--b", None);
    assert!(index.number_is_free(Some("one"), "C-1"));
}
