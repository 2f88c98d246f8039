/**
 * Messages by hand, each line checked against the grammar, and two examples printed in RFC 3261. Written with line feeds
 * for reading; `wire` makes octets of them.
 */

/** Octets of a message that is written with line feeds. The body is given apart, so that its line ends stay. */
export function wire(head: string, body = ''): Buffer {
  return Buffer.from(`${head.replaceAll('\n', '\r\n')}\r\n\r\n${body}`, 'latin1')
}

/** RFC 3261 section 24.1, message F1. */
export const RFC3261_REGISTER = `REGISTER sip:registrar.biloxi.com SIP/2.0
Via: SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bKnashds7
Max-Forwards: 70
To: Bob <sip:bob@biloxi.com>
From: Bob <sip:bob@biloxi.com>;tag=456248
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:bob@192.0.2.4>
Expires: 7200
Content-Length: 0`

/** RFC 3261 section 24.1, message F2. */
export const RFC3261_OK = `SIP/2.0 200 OK
Via: SIP/2.0/UDP bobspc.biloxi.com:5060;branch=z9hG4bKnashds7
 ;received=192.0.2.4
To: Bob <sip:bob@biloxi.com>;tag=2493k59kd
From: Bob <sip:bob@biloxi.com>;tag=456248
Call-ID: 843817637684230@998sdasdh09
CSeq: 1826 REGISTER
Contact: <sip:bob@192.0.2.4>
Expires: 7200
Content-Length: 0`

/** A SUBSCRIBE as a P-CSCF sends it on: two Vias, Record-Route, Route, asserted identity. */
export const SUBSCRIBE = `SUBSCRIBE sip:bob@ims.example.com SIP/2.0
Via: SIP/2.0/UDP pcscf-0.pcscf.ims.example.com:15064;branch=z9hG4bK8d1e52d2a9b14e26
Via: SIP/2.0/UDP 127.0.1.1:15066;branch=z9hG4bKnashds7a83bb2e;rport=15065;received=127.0.1.1
Record-Route: <sip:token@pcscf-0.pcscf.ims.example.com;lr>
Record-Route: <sip:127.0.0.1:15064;lr>
Max-Forwards: 69
Route: <sip:orig@scscf-0.scscf.ims.example.com;lr>
From: "Alice \\"A\\"" <sip:alice@ims.example.com>;tag=1928301774
To: <sip:bob@ims.example.com>
Call-ID: a84b4c76e66710@127.0.1.1
CSeq: 314159 SUBSCRIBE
Contact: <sip:alice@127.0.1.1:15066>;+sip.instance="<urn:gsma:imei:90420156-025763-0>"
P-Asserted-Identity: <sip:alice@ims.example.com>, <tel:+15550100>
Event: presence;id=7
Accept: application/pidf+xml
Require: sec-agree
Supported: path, eventlist
Expires: 3600`

/** The same message in compact form, names in other cases, folded, with blanks where the grammar has them. */
export const TORTUOUS_SUBSCRIBE = `SUBSCRIBE sip:bob@ims.example.com SIP/2.0
v:SIP / 2.0 / UDP  pcscf-0.pcscf.ims.example.com:15064 ; branch = z9hG4bK8d1e52d2a9b14e26 , SIP/2.0/UDP
\t127.0.1.1:15066;branch=z9hG4bKnashds7a83bb2e;rport=15065
  ;received=127.0.1.1
RECORD-ROUTE  :<sip:token@pcscf-0.pcscf.ims.example.com;lr>,<sip:127.0.0.1:15064;lr>
max-forwards:  0069  
Route: <sip:orig@scscf-0.scscf.ims.example.com;lr>
f: "Alice \\"A\\""<sip:alice@ims.example.com> ; TAG = 1928301774
t :
 <sip:bob@ims.example.com>
i: a84b4c76e66710@127.0.1.1
cseq: 314159
 SUBSCRIBE
m:<sip:alice@127.0.1.1:15066> ; +sip.instance="<urn:gsma:imei:90420156-025763-0>"
p-asserted-identity: <sip:alice@ims.example.com>
P-Asserted-Identity:
 <tel:+15550100>
o: presence;ID=7
Accept: application/pidf+xml
Require: Sec-Agree
k: path
K: eventlist
Expires: 3600
l: 0`

/** A REGISTER of a UE with four suites over two lines (TS 34.229-1 annex A.1.1 is its model). */
export const REGISTER_WITH_OFFERS = `REGISTER sip:ims.example.com SIP/2.0
Via: SIP/2.0/UDP 127.0.1.1:15060;branch=z9hG4bK1;rport
Max-Forwards: 70
From: <sip:alice@ims.example.com>;tag=a1
To: <sip:alice@ims.example.com>
Call-ID: reg-1@127.0.1.1
CSeq: 1 REGISTER
Contact: <sip:alice@127.0.1.1:15060>;expires=600000
Authorization: Digest username="001010000000001@ims.example.com",realm="ims.example.com",nonce="",uri="sip:ims.example.com",response=""
Security-Client: ipsec-3gpp;prot=esp;mod=UDP-enc-tun;spi-c=1000000001;spi-s=4294967295;port-c=15065;port-s=15066;alg=hmac-sha-1-96;ealg=aes-cbc, ipsec-3gpp;alg=hmac-sha-1-96;mod=UDP-enc-tun;spi-c=1000000001;spi-s=4294967295;port-c=15065;port-s=15066
Security-Client: ipsec-3gpp; alg=hmac-md5-96; ealg=aes-cbc; mod=udp-enc-tun; spi-c=1000000001; spi-s=4294967295; port-c=15065; port-s=15066
Require: sec-agree
Proxy-Require: sec-agree
Supported: path,sec-agree
Expires: 600000`
