//! What a router does: the rules for the kernel.

use std::net::Ipv4Addr;

/// What a router does with packets for itself that nobody asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Input {
    /// Nothing is said.
    Drop,
    /// ICMP port unreachable, as OpenWrt does.
    Reject,
    /// As if there were no firewall. The kernel then remembers the stranger's packet as a flow of its own, and what that flow uses is not
    /// given to anybody inside.
    Accept,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Translation {
    /// Public addresses inside, and a stateful firewall.
    None,
    /// The port is kept while it is free.
    Masquerade,
    /// Every flow gets a port by chance.
    FullyRandom,
    /// Every flow gets the next port.
    Sequential,
    /// A port out of a few.
    Block,
    /// Whoever sends to a port reaches the host inside that last used it.
    FullCone,
    /// The same, for addresses that were sent to.
    RestrictedCone,
}

/// A kind of router.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Gateway {
    translation: Translation,
    input: Input,
    hairpin: bool,
    carrier: bool,
    udp: bool,
    /// Seconds that an unanswered flow lives, and an answered one.
    timeouts: Option<(u32, u32)>,
}

impl Gateway {
    const fn new(translation: Translation) -> Self {
        Self {
            translation,
            input: Input::Drop,
            hairpin: false,
            carrier: false,
            udp: true,
            timeouts: None,
        }
    }

    /// No NAT; only answers come in. This is what IPv6 meets at every router here.
    pub(crate) const fn firewall() -> Self {
        Self::new(Translation::None)
    }

    /// What most homes have.
    pub(crate) const fn home() -> Self {
        Self::new(Translation::Masquerade)
    }

    /// Another port by chance for every destination.
    pub(crate) const fn symmetric() -> Self {
        Self::new(Translation::FullyRandom)
    }

    /// The next port for every destination.
    pub(crate) const fn sequential() -> Self {
        Self::new(Translation::Sequential)
    }

    /// Ports from 50000 to 50511, one for all destinations.
    pub(crate) const fn block() -> Self {
        Self::new(Translation::Block)
    }

    /// Everybody may send in.
    pub(crate) const fn full_cone() -> Self {
        Self::new(Translation::FullCone)
    }

    /// Addresses that were sent to may send in.
    pub(crate) const fn restricted_cone() -> Self {
        Self::new(Translation::RestrictedCone)
    }

    /// A home without UDP.
    pub(crate) const fn udp_blocked() -> Self {
        Self { udp: false, ..Self::home() }
    }

    /// What it does with packets for itself.
    pub(crate) const fn input(self, input: Input) -> Self {
        Self { input, ..self }
    }

    /// Hosts inside reach each other by their external addresses. Of cones only.
    pub(crate) const fn hairpin(self) -> Self {
        Self { hairpin: true, ..self }
    }

    /// Hosts inside have addresses of RFC 6598, which a carrier gives its customers.
    pub(crate) const fn carrier(self) -> Self {
        Self { carrier: true, ..self }
    }

    /// How many seconds an unanswered flow lives, and an answered one.
    pub(crate) const fn timeouts(self, unanswered: u32, answered: u32) -> Self {
        Self { timeouts: Some((unanswered, answered)), ..self }
    }

    pub(super) fn seconds(&self) -> Option<(u32, u32)> {
        self.timeouts
    }

    pub(super) fn translates(&self) -> bool {
        self.translation != Translation::None
    }

    /// The first three octets of the addresses inside.
    pub(super) fn lan(&self, number: u8) -> [u8; 3] {
        match self.translation {
            Translation::None => [198, 19, number],
            _ if self.carrier => [100, 64, number],
            _ => [192, 168, number],
        }
    }

    fn is_cone(&self) -> bool {
        matches!(self.translation, Translation::FullCone | Translation::RestrictedCone)
    }

    /// The rules for `nft`, of a router with this external address.
    pub(super) fn rules(&self, external: Ipv4Addr) -> String {
        let mut rules = self.filter();
        if self.is_cone() {
            rules += &self.cone(external);
        } else if self.translates() {
            rules += &format!(
                "table ip nat {{
                   chain post {{
                     type nat hook postrouting priority srcnat;
                     oifname wan meta l4proto udp masquerade {}
                     oifname wan masquerade
                   }}
                 }}\n",
                self.ports()
            );
        }
        rules
    }

    fn filter(&self) -> String {
        let udp = if self.udp { "" } else { "meta l4proto udp drop" };
        let input = match self.input {
            Input::Drop => "drop",
            Input::Reject => "reject",
            Input::Accept => "accept",
        };
        format!(
            "table inet filter {{
               chain input {{
                 type filter hook input priority filter;
                 iifname wan meta l4proto udp ct state new {input}
               }}
               chain forward {{
                 type filter hook forward priority filter; policy drop;
                 {udp}
                 ct state established,related accept
                 ct status dnat accept
                 iifname lan oifname wan accept
               }}
             }}\n"
        )
    }

    fn ports(&self) -> String {
        match self.translation {
            Translation::FullyRandom => "fully-random".to_owned(),
            Translation::Block => "to :50000-50511".to_owned(),
            Translation::Sequential => {
                let next: Vec<String> =
                    (0..1000).map(|n| format!("{n} : {}", 40_000 + n)).collect();
                format!("to :numgen inc mod 1000 map {{ {} }}", next.join(", "))
            }
            _ => String::new(),
        }
    }

    /// Who uses which port is learnt from every packet that goes out. Translation is decided at a flow's first packet only, so that the
    /// learning has to be done by a filter.
    fn cone(&self, external: Ipv4Addr) -> String {
        let seconds = self.timeouts.map_or(120, |(_, answered)| answered);
        let stranger = match self.translation {
            Translation::RestrictedCone => "ip saddr . udp dport @known",
            _ => "",
        };
        let (inward, outward) = if self.hairpin {
            (
                format!("iifname lan ip daddr {external} dnat ip to udp dport map @inside"),
                format!(
                    "oifname lan ip saddr {{ 192.168.0.0/16, 100.64.0.0/10 }} meta l4proto udp snat ip to {external}"
                ),
            )
        } else {
            (String::new(), String::new())
        };
        format!(
            "table ip nat {{
               map inside {{ type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout {seconds}s; }}
               set known {{ type ipv4_addr . inet_service; flags dynamic,timeout; timeout {seconds}s; }}
               chain learn {{
                 type filter hook forward priority filter - 1;
                 iifname lan oifname wan meta l4proto udp update @inside {{ udp sport : ip saddr . udp sport }}
                 iifname lan oifname wan meta l4proto udp update @known {{ ip daddr . udp sport }}
               }}
               chain pre {{
                 type nat hook prerouting priority dstnat;
                 iifname wan ip daddr {external} meta l4proto udp {stranger} dnat ip to udp dport map @inside
                 {inward}
               }}
               chain post {{
                 type nat hook postrouting priority srcnat;
                 oifname wan masquerade
                 {outward}
               }}
             }}\n"
        )
    }
}
