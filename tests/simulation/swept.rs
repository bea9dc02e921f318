//! CRDs that go: nobody wished for what happens to the objects of their kinds.

use serde_json::json;

use crate::deletions::{request, with_customer};
use crate::people::partner;
use crate::scenes::{EMEA, GLOBEX, minutes};
use crate::server::Pacing;
use crate::sim::story;
use crate::trials::{access, ready};

#[test]
fn requests_that_go_with_their_crd_are_not_taken_back_and_no_tenant_is_touched() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&request("leaves"));
        sim.settle().await;
        let crd = sim.see(
            "customresourcedefinitions",
            "",
            "deletionrequests.clientele.dev",
        );
        let tenant = || sim.see("namespaces", "", GLOBEX)["metadata"]["resourceVersion"].clone();
        let before = tenant();
        sim.delete(
            "customresourcedefinitions",
            "",
            "deletionrequests.clientele.dev",
        );
        sim.wait(minutes(30)).await;
        assert!(
            sim.find(
                "customresourcedefinitions",
                "",
                "deletionrequests.clientele.dev"
            )
            .is_none()
        );
        assert_eq!(tenant(), before);
        // Back without the request, nobody wants it any more.
        sim.create(&json!({ "kind": "CustomResourceDefinition", "metadata": { "name": crd["metadata"]["name"] } }));
        sim.wait(minutes(5)).await;
        assert_eq!(
            (access(&sim).as_str(), ready(&sim).as_str()),
            ("Open", "True Settled")
        );
    });
}

#[test]
fn a_crd_or_a_namespace_that_goes_deletes_nobody() {
    story(Pacing::default(), |sim| async move {
        with_customer(&sim).await;
        sim.create(&partner(EMEA, "dach"));
        sim.settle().await;
        sim.create(&request("leaves"));
        sim.settle().await;
        let tenant = sim.see("namespaces", "", GLOBEX)["metadata"]["uid"].clone();
        for crd in ["deletionrequests", "customers"] {
            sim.delete(
                "customresourcedefinitions",
                "",
                &format!("{crd}.clientele.dev"),
            );
            sim.wait(minutes(3)).await;
            assert!(
                sim.find(
                    "customresourcedefinitions",
                    "",
                    &format!("{crd}.clientele.dev")
                )
                .is_none()
            );
        }
        sim.wait(minutes(180)).await;
        assert_eq!(sim.see("namespaces", "", GLOBEX)["metadata"]["uid"], tenant);
    });
}
