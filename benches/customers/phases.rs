//! The order of events.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;

use super::Arguments;
use super::shared::figures::{Figures, Operated, Pace, Round, Series, Tally};
use super::shared::floor::{Bare, Form, Manner};
use super::shared::machine::{Machine, Resident};
use super::shared::stage::Stage;
use super::shared::support::{Mark, OPERATOR_USER, Report as _, children, eventually};
use super::shared::{Failure, load};

/// Blocks into which a part of the floor is cut, so that all parts meet the same conditions.
const BLOCKS: usize = 4;

/// Customers made one at a time.
const SINGLES: usize = 50;

/// Everything, in order.
pub async fn all(arguments: &Arguments) -> Result<Figures, Failure> {
    let machine = Machine::this()?;
    let (mut rounds, mut parts, mut operated, mut kubernetes) =
        (Vec::new(), Vec::new(), None, String::new());
    let last = arguments.rounds.max(1) - 1;
    for round in 0..=last {
        let deep = round == last;
        let (mut floor, mut series) = (None, None);
        // In turn, so that what drifts meanwhile (the disk, the clock of the processor) favours nobody.
        let halves = if round % 2 == 0 {
            [true, false]
        } else {
            [false, true]
        };
        for bare in halves {
            say(round, if bare { "floor" } else { "operator" });
            let stage = Stage::set().await?;
            if bare {
                kubernetes = stage.admin.apiserver_version().await?.git_version;
                let (pace, more) = bare_client(&stage, arguments, deep).await?;
                floor = Some(pace);
                parts.extend(more);
            } else {
                let (one, more) = operator(&stage, arguments, deep).await?;
                series = Some(one);
                operated = operated.or(more);
            }
        }
        let (Some(floor), Some(operator)) = (floor, series) else {
            return Err("half a round".into());
        };
        let done = Round { floor, operator };
        let (floor, operator) = (done.floor.rate(), done.operator.pace.rate());
        eprintln!(
            "    floor {floor:.1}/s, operator {operator:.1}/s, ratio {:.2}",
            done.ratio()
        );
        rounds.push(done);
    }
    Ok(Figures {
        machine,
        kubernetes,
        day: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        customers: arguments.customers,
        rounds,
        parts,
        operator: operated.ok_or("no round")?,
    })
}

fn say(round: usize, what: &str) {
    eprintln!("==> round {}: {what}", round + 1);
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| format!("{prefix}-{number}"))
        .collect()
}

/// The bare client's series; in a deep round also its parts.
async fn bare_client(
    stage: &Stage,
    arguments: &Arguments,
    deep: bool,
) -> Result<(Pace, Parts), Failure> {
    stage.operator.stop();
    let bare = Bare::new(stage).await;
    let floor = bare
        .make(&names("floor", arguments.customers), Manner::default())
        .await?;
    let mut parts = Vec::new();
    if deep {
        stage.calm().await?;
        let post = Manner::default();
        let fenced = [
            ("POST of every object (the floor)", post),
            (
                "and a status, by merge patch",
                Manner {
                    status: Some(Form::Merge),
                    ..post
                },
            ),
            (
                "and a status, by server-side apply",
                Manner {
                    status: Some(Form::Apply),
                    ..post
                },
            ),
            (
                "server-side apply in the namespace",
                Manner {
                    apply: true,
                    ..post
                },
            ),
            ("all that the operator does", Manner::OPERATOR),
        ];
        parts.extend(apart(&bare, arguments, "fenced", &fenced).await?);
        lift_policies(stage).await?;
        let open = [
            ("POST of every object, no policies", post),
            ("all that the operator does, no policies", Manner::OPERATOR),
        ];
        parts.extend(apart(&bare, arguments, "open", &open).await?);
    }
    Ok((floor, parts))
}

/// What was done, and how fast.
type Parts = Vec<(&'static str, Pace)>;

/// Customers made in each of these manners, block by block in turn.
async fn apart(
    bare: &Bare<'_>,
    arguments: &Arguments,
    prefix: &str,
    manners: &[(&'static str, Manner)],
) -> Result<Parts, Failure> {
    let block = arguments.customers.div_ceil(5 * BLOCKS);
    let mut parts: Parts = manners
        .iter()
        .map(|(what, _)| (*what, Pace::default()))
        .collect();
    for number in 0..BLOCKS {
        for (place, (_, manner)) in manners.iter().enumerate() {
            let names = names(&format!("{prefix}-{number}-{place}"), block);
            parts[place].1.add(bare.make(&names, *manner).await?);
        }
    }
    Ok(parts)
}

/// Takes the policies away and waits until the API server has noticed.
async fn lift_policies(stage: &Stage) -> Result<(), Failure> {
    let bindings = "validatingadmissionpolicybindings.admissionregistration.k8s.io";
    stage
        .plane
        .try_kubectl(&["delete", bindings, "-l", "app.kubernetes.io/name=clientele"])?;
    let stranger = stage.plane.as_user("stranger", &["system:masters"]).await;
    let namespaces: Api<Namespace> = Api::all(stranger);
    let mut forged = Namespace::default();
    forged.metadata.name = Some("not-of-clientele".to_owned());
    forged.metadata.labels = Some([("clientele.dev/type".to_owned(), "tenant".to_owned())].into());
    let dry_run = PostParams {
        dry_run: true,
        ..PostParams::default()
    };
    eventually(
        "the policies are out of force",
        Duration::from_secs(30),
        async || namespaces.create(&dry_run, &forged).await.report(),
    )
    .await;
    Ok(())
}

/// The operator's series; in a deep round also all else there is to see of it.
async fn operator(
    stage: &Stage,
    arguments: &Arguments,
    deep: bool,
) -> Result<(Series, Option<Operated>), Failure> {
    let audit = stage.plane.audit();
    let begin = audit.mark().await;
    let series = load::at_once(stage, &names("customer", arguments.customers), 0).await?;
    if !deep {
        return Ok((series, None));
    }
    stage.calm().await?;
    let calls = tally(stage, begin).await;
    let loaded = resident(stage)?;

    say(arguments.rounds.max(1) - 1, "idle");
    let begin = audit.mark().await;
    let idle = Duration::from_secs(arguments.idle);
    tokio::time::sleep(idle).await;
    let idle_calls = tally(stage, begin).await;
    let settled = resident(stage)?;

    say(arguments.rounds.max(1) - 1, "restart");
    stage.operator.stop();
    let begin = audit.mark().await;
    let started = Instant::now();
    stage.operator.start()?;
    stage.operator.await_ready()?;
    let restart = started.elapsed();
    stage.calm().await?;
    let restart_calls = tally(stage, begin).await;
    let restarted = resident(stage)?;

    say(arguments.rounds.max(1) - 1, "one at a time");
    let alone = load::one_at_a_time(stage, &names("single", SINGLES)).await?;

    say(arguments.rounds.max(1) - 1, "with users");
    stage.calm().await?;
    let begin = audit.mark().await;
    let with_users =
        load::at_once(stage, &names("peopled", arguments.customers.div_ceil(5)), 1).await?;
    stage.calm().await?;
    let operated = Operated {
        calls,
        alone,
        with_users,
        calls_with_users: tally(stage, begin).await,
        idle,
        idle_calls,
        restart,
        restart_calls,
        loaded,
        settled,
        restarted,
    };
    Ok((series, Some(operated)))
}

/// The operator's calls since the mark.
async fn tally(stage: &Stage, since: Mark) -> Tally {
    Tally::of(stage.plane.audit().since(since).await.by(OPERATOR_USER))
}

fn resident(stage: &Stage) -> Result<Resident, Failure> {
    let held = stage.operator.pid().ok_or("the operator is down")?;
    let pid = children(held)
        .first()
        .copied()
        .ok_or("the operator has ended")?;
    Resident::of(pid)
}
