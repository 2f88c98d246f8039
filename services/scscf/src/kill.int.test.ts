import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { AccessSecurity, type Envelope } from '@rollcall/proto-gen/hop'
import { createRequest, type SipResponse } from '@rollcall/sip'
import { FakeUe } from './testing/fake-ue.ts'
import { PCSCF_HOST, REALM, SCSCF_HOST } from './testing/fixtures.ts'
import { ScscfStack, until } from './testing/scscf-stack.ts'

const PARTITIONS = 16

let stack: ScscfStack
const ues = Array.from(
  { length: 16 },
  (_, index) =>
    new FakeUe({
      impi: `0010100002${String(index).padStart(5, '0')}@${REALM}`,
      impu: `sip:user-${index}@${REALM}`,
      address: `127.1.6.${150 + index}`,
      k: systemRandom.bytes(16),
      opc: systemRandom.bytes(16),
    }),
)

before(async () => {
  // The first replica is a process of its own, the second is here.
  stack = await ScscfStack.start('127.1.6.6', { isProcess: true, replicas: 2 })
  for (const [index, { impi, impu, keys }] of ues.entries()) {
    await stack.provision(`user-${index}`, [impu], [{ impi, k: keys.k.reveal(), opc: keys.opc.reveal() }])
  }
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

let serial = 0

async function publish(ue: FakeUe): Promise<SipResponse> {
  const id = ++serial
  const request = createRequest('PUBLISH', ue.impu, [
    ['Via', `SIP/2.0/TLS ${PCSCF_HOST};branch=z9hG4bKk${id}`],
    ['Via', `SIP/2.0/UDP ${ue.address}:15066;branch=z9hG4bKu${id}`],
    ['Route', `<sip:orig@${SCSCF_HOST};lr>`],
    ['Max-Forwards', '69'],
    ['From', `<${ue.impu}>;tag=f${id}`],
    ['To', `<${ue.impu}>`],
    ['Call-ID', `kill-${id}`],
    ['CSeq', '1 PUBLISH'],
    ['Event', 'presence'],
  ])
  const envelope: Partial<Envelope> = {
    accessSecurity: AccessSecurity.ACCESS_SECURITY_UDP_ENC_TUN,
    impi: ue.impi,
    assertedIdentities: [ue.impu],
    deadlineMs: 15_000,
  }
  return await stack.send(request, envelope, 'pcscf', 'any')
}

test('a replica that is killed under load takes no request and no registration with it', async () => {
  await until(async () => (await stack.metric('rollcall_scscf_partitions_owned', 1)) < PARTITIONS, 'both have a share')
  for (const ue of ues) assert.equal((await stack.registerFully(ue, {}, 'any')).status, 200)
  const impis = ues.map(({ impi }) => impi)
  assert.deepEqual(await stack.registrations(1), impis)
  assert.ok((await stack.registrations(1, 'scscf')).length < impis.length)
  const statuses = new Set<number>()
  let count = 0
  let isStopped = false
  const running = ues.map(async (ue) => {
    while (!isStopped) {
      statuses.add((await publish(ue)).status)
      count += 1
    }
  })
  await until(() => count > 200, 'the load goes on')
  await stack.killProcess('SIGKILL')
  await until(async () => (await stack.metric('rollcall_scscf_partitions_owned', 1)) === PARTITIONS, 'it has all')
  const from = count
  await until(() => count > from + 500, 'the load goes on', 30_000)
  isStopped = true
  await Promise.all(running)
  assert.deepEqual([...statuses], [200])
  assert.deepEqual(await stack.registrations(1), impis)
})
