import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PeerTable } from './peer-table.ts'
import { readNodeTable } from './settings.ts'
import { sipDomainsOf } from './sip-domains.ts'

const table = new PeerTable({
  trustDomain: 'rollcall.test',
  ownRole: 'scscf',
  table: readNodeTable('scscf', {
    tlsListen: undefined,
    peers: 'p.vendor.org=pcscf,p2.vendor.org=pcscf,as.vendor.org=as@tls:10.0.0.1:5061',
    unprotectedListen: 'udp:10.0.0.2:5060',
    unprotectedPeers: 'plain.vendor.org=pcscf@udp:10.0.0.9:5060,tunnel.vendor.org=as@udp:10.0.0.8:5060',
    protectedElsewhere: '10.0.0.8',
  }),
})

const certificate = (subjectAltName: string) => ({ subjectAltName, notAfterMs: 0 })
const admit = (subjectAltName: string): string => {
  const found = table.admit(certificate(subjectAltName))
  return found.ok ? `${found.peer.role} ${found.peer.spiffeId}` : found.reason
}

test('the domains of a certificate are its sip: URIs, and only without them its DNS names (RFC 5922 section 7.1)', () => {
  assert.deepEqual(sipDomainsOf('DNS:a.org, URI:sip:B.org, URI:sip:c.org'), ['b.org', 'c.org'])
  assert.deepEqual(sipDomainsOf('DNS:A.org, URI:sip:user@b.org, URI:spiffe://x/y'), ['a.org'])
  assert.deepEqual(sipDomainsOf('DNS:"a.org, DNS:b.org", IP Address:10.0.0.1'), ['a.org, dns:b.org'])
  assert.deepEqual(sipDomainsOf(''), [])
})

test('a name of the table has the table’s role, a SPIFFE ID of our trust domain its own', () => {
  assert.equal(admit('DNS:x.org, DNS:P.vendor.org'), 'pcscf sip:p.vendor.org')
  assert.equal(admit('URI:sip:as.vendor.org, DNS:p.vendor.org'), 'as sip:as.vendor.org')
  assert.equal(admit('DNS:p.vendor.org, DNS:p2.vendor.org'), 'pcscf sip:p.vendor.org')
  const ours = 'spiffe://rollcall.test/ns/ims/sa/pcscf'
  assert.equal(admit(`URI:${ours}, DNS:as.vendor.org`), `pcscf ${ours}`)
  assert.equal(admit('URI:spiffe://vendor.test/ns/ims/sa/scscf, DNS:as.vendor.org'), 'as sip:as.vendor.org')
})

test('a wildcard is no name, and neither is a part of one (RFC 5922 section 7.2)', () => {
  for (const name of ['*.vendor.org', 'vendor.org', 'x.p.vendor.org', 'p.vendor.org.evil.org']) {
    assert.equal(admit(`DNS:${name}`), 'unknown-name', name)
  }
})

test('names of unprotected nodes are no names of certificates', () => {
  assert.equal(admit('DNS:plain.vendor.org'), 'unknown-name')
})

test('a server is the node of its host, or one of our trust domain with its role (RFC 5922 section 7.3)', () => {
  const node = table.find('AS.vendor.org')
  assert.ok(node)
  const is = (subjectAltName: string): boolean => table.isNode(certificate(subjectAltName), node)
  assert.equal(is('DNS:as.vendor.org'), true)
  assert.equal(is('URI:spiffe://rollcall.test/ns/ims/sa/as'), true)
  assert.equal(is('URI:spiffe://rollcall.test/ns/ims/sa/presence'), false)
  assert.equal(is('DNS:p.vendor.org'), false)
  const other = table.find('p2.vendor.org')
  assert.ok(other)
  assert.equal(table.isNode(certificate('DNS:p.vendor.org'), other), false)
})

test('an address is a node that is unverified, unless something else protects it', () => {
  const found = (address: string) => table.admitAddress({ address, port: 1 })
  const plain = found('10.0.0.9')
  assert.deepEqual(plain.ok && [plain.peer.role, plain.peer.isVerified, plain.peer.isAsserting], [
    'pcscf',
    false,
    false,
  ])
  const tunnelled = found('10.0.0.8')
  assert.deepEqual(tunnelled.ok && [tunnelled.peer.isVerified, tunnelled.peer.isAsserting], [true, false])
  assert.deepEqual(found('10.0.0.7'), { ok: false, reason: 'unknown-address' })
})
