/** What `iptables-save -c` and `ip6tables-save -c` printed in the network namespaces of real pods. */
export const recordedRules = {
  /** shop/reviews-57b9fb8fff-7pnkh */
  redirect: {
    v4: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
[5:300] -A PREROUTING -p tcp -j ISTIO_INBOUND
[0:0] -A OUTPUT -j ISTIO_OUTPUT
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
[5:300] -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
[0:0] -A ISTIO_OUTPUT -p tcp -m tcp --dport 3306 -j RETURN
[0:0] -A ISTIO_OUTPUT -p udp -m udp --dport 3306 -j RETURN
[0:0] -A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
[0:0] -A ISTIO_OUTPUT -d 169.254.169.254/32 -j RETURN
[0:0] -A ISTIO_OUTPUT -j ISTIO_REDIRECT
[0:0] -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`,
    v6: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
`,
  },
  /** shop/productpage-75bc9f9bfd-fwjsl */
  annotated: {
    v4: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
[5:300] -A PREROUTING -p tcp -j ISTIO_INBOUND
[0:0] -A OUTPUT -j ISTIO_OUTPUT
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 9080 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 9443 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
[0:0] -A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
[0:0] -A ISTIO_OUTPUT -j ISTIO_REDIRECT
[0:0] -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`,
    v6: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
`,
  },
  /** shop/ratings-544597646d-jhbbx */
  tproxy: {
    v4: `*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_DIVERT - [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_TPROXY - [0:0]
[30:2304] -A PREROUTING -p tcp -j ISTIO_INBOUND
[0:0] -A PREROUTING -p tcp -m mark --mark 0x539 -j CONNMARK --save-mark --nfmask 0xffffffff --ctmask 0xffffffff
[0:0] -A OUTPUT -o lo -p tcp -m mark --mark 0x539 -j RETURN
[0:0] -A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --uid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff
[0:0] -A OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m owner --gid-owner 1337 -j MARK --set-xmark 0x53a/0xffffffff
[0:0] -A OUTPUT -p tcp -m connmark --mark 0x539 -j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff
[0:0] -A ISTIO_DIVERT -j MARK --set-xmark 0x539/0xffffffff
[0:0] -A ISTIO_DIVERT -j ACCEPT
[0:0] -A ISTIO_INBOUND -p tcp -m mark --mark 0x539 -j RETURN
[0:0] -A ISTIO_INBOUND -s 127.0.0.6/32 -i lo -p tcp -j RETURN
[0:0] -A ISTIO_INBOUND -i lo -p tcp -m mark ! --mark 0x53a -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
[30:2304] -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m conntrack --ctstate RELATED,ESTABLISHED -j ISTIO_DIVERT
[0:0] -A ISTIO_INBOUND -p tcp -j ISTIO_TPROXY
[0:0] -A ISTIO_TPROXY ! -d 127.0.0.1/32 -p tcp -j TPROXY --on-port 15006 --on-ip 0.0.0.0 --tproxy-mark 0x539/0xffffffff
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_REDIRECT - [0:0]
[0:0] -A OUTPUT -j ISTIO_OUTPUT
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
[0:0] -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
[0:0] -A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -m owner ! --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
[0:0] -A ISTIO_OUTPUT -j ISTIO_REDIRECT
[0:0] -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`,
    v6: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
`,
  },
  /** shop/dns-fffbf57bf-vzs2j */
  dns: {
    v4: `*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_OUTPUT_DNS - [0:0]
[30:2304] -A PREROUTING -j ISTIO_INBOUND
[30:1950] -A OUTPUT -j ISTIO_OUTPUT_DNS
[0:0] -A ISTIO_INBOUND -s 10.96.0.10/32 -p udp -m udp --sport 53 -j CT --zone 1
[0:0] -A ISTIO_OUTPUT_DNS -p udp -m udp --dport 53 -m owner --uid-owner 1337 -j CT --zone 1
[0:0] -A ISTIO_OUTPUT_DNS -p udp -m udp --sport 15053 -m owner --uid-owner 1337 -j CT --zone 2
[0:0] -A ISTIO_OUTPUT_DNS -p udp -m udp --dport 53 -m owner --gid-owner 1337 -j CT --zone 1
[0:0] -A ISTIO_OUTPUT_DNS -p udp -m udp --sport 15053 -m owner --gid-owner 1337 -j CT --zone 2
[0:0] -A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p udp -m udp --dport 53 -j CT --zone 2
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
:ISTIO_INBOUND - [0:0]
:ISTIO_IN_REDIRECT - [0:0]
:ISTIO_OUTPUT - [0:0]
:ISTIO_OUTPUT_DNS - [0:0]
:ISTIO_REDIRECT - [0:0]
[6:360] -A PREROUTING -p tcp -j ISTIO_INBOUND
[0:0] -A OUTPUT -j ISTIO_OUTPUT
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15008 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15090 -j RETURN
[6:360] -A ISTIO_INBOUND -p tcp -m tcp --dport 15021 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -m tcp --dport 15020 -j RETURN
[0:0] -A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
[0:0] -A ISTIO_OUTPUT -s 127.0.0.6/32 -o lo -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m multiport ! --dports 53,15008 -m owner --uid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -p tcp -m tcp ! --dport 53 -m owner ! --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT ! -d 127.0.0.1/32 -o lo -p tcp -m tcp ! --dport 15008 -m owner --gid-owner 1337 -j ISTIO_IN_REDIRECT
[0:0] -A ISTIO_OUTPUT -o lo -p tcp -m tcp ! --dport 53 -m owner ! --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -m owner --gid-owner 1337 -j RETURN
[0:0] -A ISTIO_OUTPUT -j ISTIO_OUTPUT_DNS
[0:0] -A ISTIO_OUTPUT -d 127.0.0.1/32 -j RETURN
[0:0] -A ISTIO_OUTPUT -j ISTIO_REDIRECT
[0:0] -A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p tcp -m tcp --dport 53 -j REDIRECT --to-ports 15053
[0:0] -A ISTIO_OUTPUT_DNS -d 10.96.0.10/32 -p udp -m udp --dport 53 -j REDIRECT --to-ports 15053
[0:0] -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
COMMIT
`,
    v6: `*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
COMMIT
`,
  },
} as const;
