//! Whatever is offered, included and asked for.

use proptest::prelude::*;

use super::*;

proptest! {
    #[test]
    fn nobody_gains_what_the_path_does_not_offer(
        top in 0_u8..8, below in 0_u8..8, plan in 0_u8..8, auto in 0_u8..8, used in 0_u8..8, activations in proptest::collection::vec(0_u8..5, 3),
    ) {
        const NAMES: [&str; 3] = ["a", "b", "c"];
        let named = |bits: u8| -> Vec<&str> { (0..3).filter(|bit| bits >> bit & 1 == 1).map(|bit| NAMES[bit]).collect() };
        let mut world = World::default();
        for name in NAMES {
            world = world.offering(name, |spec| spec.auto_enable = named(auto).contains(&name));
        }
        world.top.services = only(&named(top));
        world.below.services = except(&named(below));
        world.plan = named(plan).into_iter().map(Into::into).collect();
        for name in named(used) {
            world = world.used(name, None);
        }
        for (name, activation) in NAMES.into_iter().zip(activations) {
            let all = [Activation::Inactive, Activation::Trial, Activation::Active, Activation::Paused];
            if let Some(activation) = all.get(usize::from(activation)) {
                world = world.asks(name, *activation);
            }
        }
        let services = world.all(at(0));
        for service in &services {
            let offered = named(top).contains(&service.name.as_str()) && !named(below).contains(&service.name.as_str());
            prop_assert!(offered || !service.runs(), "{service:?}");
            prop_assert_eq!(service.state == ServiceState::Denied, service.blocked_by.is_some());
        }
        for name in named(used) {
            prop_assert!(services.iter().any(|service| service.name == name), "{} is forgotten", name);
        }
        prop_assert!(services.windows(2).all(|pair| pair[0].name < pair[1].name));
    }
}
