import assert from 'node:assert/strict'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { type TestContext, test } from 'node:test'
import { systemClock } from '@rollcall/core'
import { issueLeaf } from '@rollcall/pki'
import { TlsIdentityError } from './errors.ts'
import { ServerCertificate } from './https-certificate.ts'
import { createTestDomain, type TestDomain } from './testing/test-domain.ts'

/** An issuer in a chain that is cut off. */
const BROKEN = '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n'
const NAMES = ['xcap.home1.net', 'as2.home1.net']

async function issue(domain: TestDomain, dnsNames: readonly string[], lifetimeMs?: number) {
  const { folder, trustDomain } = domain
  const leaf = { name: 'public', dnsNames }
  return issueLeaf({ folder, trustDomain, leaf, ...(lifetimeMs !== undefined && { lifetimeMs }) })
}

async function refusal(loading: Promise<ServerCertificate>): Promise<string> {
  try {
    await loading
    return 'taken'
  } catch (error) {
    assert.ok(error instanceof TlsIdentityError, String(error))
    return error.problem
  }
}

test('is refused when it is over, for other names, not of its key, or no certificate at all', async (t) => {
  const domain = await createTestDomain(t, ['ap'])
  const load = (certFile: string, keyFile: string) =>
    ServerCertificate.load({ certFile, keyFile, names: NAMES, clock: systemClock })
  const over = await issue(domain, NAMES, -1_000)
  assert.match(await refusal(load(over.certFile, over.keyFile)), /^ended at/)
  const other = await issue(domain, ['xcap.home1.net'])
  assert.equal(await refusal(load(other.certFile, other.keyFile)), 'is not for as2.home1.net')
  const good = await issue(domain, NAMES)
  assert.match(await refusal(load(good.certFile, good.certFile)), /^holds no private key/)
  assert.match(await refusal(load(good.keyFile, good.keyFile)), /^holds no certificate/)
  assert.match(await refusal(load(`${good.certFile}.none`, good.keyFile)), /^cannot be read \(ENOENT\)/)
  await writeFile(`${good.certFile}.chain`, `${await readFile(good.certFile, 'latin1')}${BROKEN}`)
  assert.equal(await refusal(load(`${good.certFile}.chain`, good.keyFile)), 'holds a chain that TLS cannot read')
})

async function loaded(
  t: TestContext,
): Promise<{ domain: TestDomain; certificate: ServerCertificate; problems: string[] }> {
  const domain = await createTestDomain(t, ['ap'])
  const { certFile, keyFile } = await issue(domain, NAMES)
  const problems: string[] = []
  const onRefused = ({ problem }: TlsIdentityError) => void problems.push(problem)
  const certificate = await ServerCertificate.load({ certFile, keyFile, names: NAMES, clock: systemClock, onRefused })
  t.after(() => certificate[Symbol.dispose]())
  return { domain, certificate, problems }
}

test('is read again when it was renewed, and the last good one stays when it was renewed wrongly', async (t) => {
  const { domain, certificate, problems } = await loaded(t)
  const first = certificate.pair
  await certificate.reload()
  assert.equal(certificate.pair, first, 'nothing changed')
  const { certFile } = await issue(domain, NAMES)
  await certificate.reload()
  assert.notEqual(certificate.pair, first)
  const second = certificate.pair
  assert.deepEqual(second.cert, await readFile(certFile))
  await writeFile(certFile, 'half of a ')
  for (let i = 0; i < 2; i++) await certificate.reload()
  await rm(certFile)
  await certificate.reload()
  assert.equal(certificate.pair, second)
  assert.deepEqual(
    problems.map((problem) => problem.split(' (')[0]),
    ['holds no certificate that can be parsed', 'cannot be read'],
  )
})
