import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { VirtualClock } from '@rollcall/core'
import { createTrustDomain, InvalidLeafError, issueLeaf, leafFiles, TrustDomainIncompleteError } from './mod.ts'

const trustDomain = 'rollcall.test'
const DAY_MS = 86_400_000
const hss = { name: 'hss', role: 'hss', dnsNames: ['hss.ims.example.org'], ipAddresses: ['127.1.4.1', '::1'] }
const hssNats = { name: 'hss-nats', role: 'hss', dnsNames: [] }

async function temporaryFolder(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-pki-'))
  t.after(() => rm(folder, { recursive: true }))
  return folder
}

async function certificateOf(folder: string, name: string): Promise<X509Certificate> {
  return new X509Certificate(await readFile(join(folder, `${name}.crt`)))
}

test('a leaf carries its SPIFFE URI first, then its names, and serves both ends of TLS (X509-SVID section 2)', async (t) => {
  const folder = await temporaryFolder(t)
  await createTrustDomain({ folder, trustDomain, leaves: [hss, hssNats] })
  const [ca, leaf, uriOnly] = await Promise.all(['ca', 'hss', 'hss-nats'].map((name) => certificateOf(folder, name)))
  assert.equal(
    leaf?.subjectAltName,
    'URI:spiffe://rollcall.test/ns/ims/sa/hss, DNS:hss.ims.example.org, IP Address:127.1.4.1, IP Address:0:0:0:0:0:0:0:1',
  )
  assert.equal(uriOnly?.subjectAltName, 'URI:spiffe://rollcall.test/ns/ims/sa/hss')
  assert.deepEqual(leaf?.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.ok(ca?.ca && leaf?.ca === false)
  assert.ok(ca && leaf?.checkIssued(ca) && leaf.verify(ca.publicKey))
})

test('keys and certificates are for their owner alone', async (t) => {
  const folder = join(await temporaryFolder(t), 'pki')
  await createTrustDomain({ folder, trustDomain, leaves: [hss] })
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  for (const name of ['ca.crt', 'ca.key', 'hss.crt', 'hss.key']) {
    assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
  }
})

test('what is good is kept; what ends within 30 days, or says something else now, is made anew', async (t) => {
  const folder = await temporaryFolder(t)
  const clock = new VirtualClock(Date.now())
  const serials = async (): Promise<string[]> =>
    await Promise.all(['ca', 'hss', 'hss-nats'].map(async (name) => (await certificateOf(folder, name)).serialNumber))
  await createTrustDomain({ folder, trustDomain, leaves: [hss, hssNats], clock })
  const first = await serials()

  clock.advance(59 * DAY_MS)
  await createTrustDomain({ folder, trustDomain, leaves: [hss, hssNats], clock })
  assert.deepEqual(await serials(), first)

  await createTrustDomain({ folder, trustDomain, leaves: [{ ...hss, dnsNames: ['other.example.org'] }], clock })
  const renamed = await serials()
  assert.deepEqual([renamed[0], renamed[2]], [first[0], first[2]])
  assert.notEqual(renamed[1], first[1])

  clock.advance(2 * DAY_MS)
  await createTrustDomain({ folder, trustDomain, leaves: [hss, hssNats], clock })
  const late = await serials()
  assert.equal(late[0], first[0])
  assert.notEqual(late[2], first[2])
})

test('a leaf of another authority is replaced, and so is one whose key was swapped or lost', async (t) => {
  const folder = await temporaryFolder(t)
  const foreign = await temporaryFolder(t)
  await createTrustDomain({ folder, trustDomain, leaves: [hss] })
  const ca = await certificateOf(folder, 'ca')

  await issueLeaf({ folder, trustDomain, leaf: hss, authorityFolder: foreign })
  assert.equal((await certificateOf(folder, 'hss')).verify(ca.publicKey), false)
  await createTrustDomain({ folder, trustDomain, leaves: [hss] })
  assert.ok((await certificateOf(folder, 'hss')).verify(ca.publicKey))

  await rm(join(folder, 'hss.key'))
  await createTrustDomain({ folder, trustDomain, leaves: [hss] })
  await readFile(leafFiles(folder, 'hss').keyFile)
})

test('half an authority stops everything: a new one would cut off every certificate that is out', async (t) => {
  const folder = await temporaryFolder(t)
  await createTrustDomain({ folder, trustDomain, leaves: [hss] })
  await rm(join(folder, 'ca.key'))
  await assert.rejects(createTrustDomain({ folder, trustDomain, leaves: [hss] }), (error) => {
    assert.ok(error instanceof TrustDomainIncompleteError)
    assert.equal(error.missing, join(folder, 'ca.key'))
    return true
  })
})

test('a leaf can be one that has ended, for tests of refusals', async (t) => {
  const folder = await temporaryFolder(t)
  await issueLeaf({ folder, trustDomain, leaf: hss, lifetimeMs: -1000 })
  const leaf = await certificateOf(folder, 'hss')
  assert.ok(leaf.validToDate.getTime() <= Date.now())
  assert.ok(leaf.validFromDate < leaf.validToDate)
})

test('names that cannot stand in a certificate or a path are refused before anything is written', async (t) => {
  const folder = join(await temporaryFolder(t), 'none')
  const wrong = [
    { ...hss, name: '../hss' },
    { ...hss, name: 'ca' },
    { ...hss, role: 'HSS/x' },
    { ...hss, dnsNames: ['a,URI:spiffe://rollcall.test/ns/ims/sa/operator'] },
    { ...hss, ipAddresses: ['127.0.0.256'] },
  ]
  for (const leaf of wrong) {
    await assert.rejects(createTrustDomain({ folder, trustDomain, leaves: [leaf] }), InvalidLeafError)
  }
  await assert.rejects(createTrustDomain({ folder, trustDomain: 'a/b', leaves: [] }), InvalidLeafError)
  await assert.rejects(stat(folder))
})
