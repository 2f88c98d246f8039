import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { PeerIdentityError } from './errors.ts'
import { alternativeNames, parsePeer } from './spiffe.ts'

const trustDomain = 'rollcall.test'

function reasonOf(names: string | undefined): string {
  try {
    return parsePeer(names, trustDomain).role
  } catch (error) {
    assert.ok(error instanceof PeerIdentityError)
    return error.reason
  }
}

test('a peer is who its one SPIFFE URI says, whatever other names stand beside it (X509-SVID section 2)', () => {
  const cases: [string | undefined, string][] = [
    ['URI:spiffe://rollcall.test/ns/ims/sa/hss', 'hss'],
    ['DNS:hss.example.org, URI:spiffe://rollcall.test/ns/ims/sa/scscf, IP Address:127.0.0.1', 'scscf'],
    [undefined, 'no-certificate'],
    ['', 'no-spiffe-id'],
    ['DNS:spiffe', 'no-spiffe-id'],
    ['URI:https://rollcall.test/ns/ims/sa/hss', 'no-spiffe-id'],
    ['URI:spiffe://rollcall.test/ns/ims/sa/hss, URI:spiffe://rollcall.test/ns/ims/sa/operator', 'no-spiffe-id'],
    ['URI:spiffe://other.test/ns/ims/sa/hss', 'foreign-trust-domain'],
    ['URI:spiffe://rollcall.test.evil/ns/ims/sa/hss', 'foreign-trust-domain'],
    ['URI:spiffe://rollcall.test/ns/kube/sa/hss', 'foreign-trust-domain'],
    ['URI:spiffe://rollcall.test/ns/ims/sa/root', 'unknown-role'],
    ['URI:spiffe://rollcall.test/ns/ims/sa/hss/x', 'unknown-role'],
    ['URI:spiffe://rollcall.test/ns/ims/sa/', 'unknown-role'],
  ]
  for (const [names, expected] of cases) assert.equal(reasonOf(names), expected, String(names))
})

test('a quoted name cannot smuggle in a URI (CVE-2021-44532)', () => {
  const smuggled = 'DNS:"a, URI:spiffe://rollcall.test/ns/ims/sa/operator", URI:spiffe://rollcall.test/ns/ims/sa/hss'
  assert.equal(reasonOf(smuggled), 'hss')
  assert.equal(reasonOf('DNS:"a, URI:spiffe://rollcall.test/ns/ims/sa/operator"'), 'no-spiffe-id')
  assert.deepEqual(alternativeNames('URI:"a\\"b, c", DNS:d'), [
    { kind: 'URI', value: 'a"b, c' },
    { kind: 'DNS', value: 'd' },
  ])
})

test('the host names of a certificate are those of its DNS entries alone', () => {
  const peer = parsePeer(
    'DNS:XCAP.example.org, URI:spiffe://rollcall.test/ns/ims/sa/ap, IP Address:127.0.0.1, DNS:"a, DNS:b"',
    trustDomain,
  )
  assert.deepEqual(peer.dnsNames, ['xcap.example.org', 'a, dns:b'])
})

test('names that cannot be read as Node prints them say nothing at all', () => {
  const whole = 'URI:spiffe://rollcall.test/ns/ims/sa/hss'
  for (const names of [`${whole}, DNS:"open`, `"x", ${whole}`, `${whole},DNS:a`, `DNS:a"b, ${whole}`]) {
    assert.equal(reasonOf(names), 'no-spiffe-id', names)
  }
})

test('whatever a certificate holds, it is a role or a refusal', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('"', '\\', ', ', ':', 'URI:', 'DNS:', 'spiffe://rollcall.test/ns/ims/sa/hss')),
      (parts) => {
        reasonOf(parts.join(''))
      },
    ),
    { seed: 20261125 },
  )
})
