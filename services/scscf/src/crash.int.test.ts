import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { parseReginfo } from '@rollcall/reginfo'
import { FakeUe } from './testing/fake-ue.ts'
import { ALICE, ALICE_TEL, PHONE, SCSCF_HOST, TABLET } from './testing/fixtures.ts'
import { regSubscribe } from './testing/reg-subscribe.ts'
import { ScscfStack, until } from './testing/scscf-stack.ts'

let stack: ScscfStack
const [phone, tablet] = [PHONE, TABLET].map(
  (impi, index) =>
    new FakeUe({
      impi,
      impu: ALICE,
      address: `127.1.6.2${index}`,
      k: systemRandom.bytes(16),
      opc: systemRandom.bytes(16),
    }),
)

before(async () => {
  stack = await ScscfStack.start('127.1.6.4', { isProcess: true })
  const ues = [phone, tablet].flatMap((ue) =>
    ue ? [{ impi: ue.impi, k: ue.keys.k.reveal(), opc: ue.keys.opc.reveal() }] : [],
  )
  await stack.provision('alice', [ALICE, ALICE_TEL], ues)
})

after(async () => {
  await stack?.[Symbol.asyncDispose]()
})

test('killed after its 200 the S-CSCF knows the registration, and answers the retransmission alike', async () => {
  assert.ok(phone)
  const challenge = await stack.register(phone)
  const message = phone.register({ isProtected: true, authorization: phone.answer(challenge) })
  const first = await stack.send(message.request, message.envelope)
  assert.equal(first.status, 200)
  await stack.killProcess()
  await stack.startProcess()
  assert.deepEqual(await stack.registrations(), [PHONE])
  const second = await stack.send(message.request, message.envelope)
  assert.deepEqual([...second.headers.entries()], [...first.headers.entries()])
  assert.deepEqual(await stack.registrations(), [PHONE])
})

test('killed before its answer left, it gives it to the retransmission, and binds once', async () => {
  assert.ok(tablet)
  const challenge = await stack.register(tablet)
  const message = tablet.register({ isProtected: true, authorization: tablet.answer(challenge) })
  const lost = stack.trySend(message.request, { ...message.envelope, deadlineMs: 30_000 })
  await stack.killProcess()
  await stack.startProcess()
  // The hop has sent it again by itself, or the P-CSCF does: either way it is one registration or one challenge.
  const answers = [await lost, await stack.trySend(message.request, message.envelope)]
  const statuses = answers.map((answer) => (answer.kind === 'response' ? answer.status : 0))
  for (const status of statuses) assert.ok([200, 401, 0].includes(status), String(statuses))
  if (!statuses.includes(200)) assert.equal((await stack.registerFully(tablet, { isProtected: true })).status, 200)
  assert.deepEqual(await stack.registrations(), [PHONE, TABLET])
  assert.equal(await stack.serverOf('alice'), `sip:${SCSCF_HOST}`)
})

test('killed amid an attempt it knows nothing of the challenge: the answer is challenged anew', async () => {
  assert.ok(phone)
  const challenge = await stack.register(phone, { isProtected: true })
  assert.equal(challenge.status, 401)
  await stack.killProcess()
  await stack.startProcess()
  const again = await stack.register(phone, { isProtected: true, authorization: phone.answer(challenge) })
  assert.equal(again.status, 401)
  const response = await stack.register(phone, { isProtected: true, authorization: phone.answer(again) })
  assert.equal(response.status, 200)
})

test('killed after its 200 to a SUBSCRIBE it tells the subscriber on, by higher versions (RFC 3680 section 5.1)', async () => {
  assert.ok(phone)
  const { callId, request, envelope } = regSubscribe(phone, 'ue', 1)
  assert.equal((await stack.send(request, envelope)).status, 200)
  const versions = (): number[] => {
    const dialog = stack.received.pcscf.filter(({ request: { headers } }) => headers.get('Call-ID') === callId)
    return dialog.map(({ request: { body } }) => parseReginfo(body).version)
  }
  await until(() => versions().length === 1, 'the first NOTIFY')
  await stack.killProcess()
  await stack.startProcess()
  await until(() => versions().length === 2, 'the new process tells the state once')
  const [before = 0, later = 0] = versions()
  assert.ok(later > before)
})

test('killed after a de-registration it does not bring the contact back', async () => {
  assert.ok(phone && tablet)
  assert.equal((await stack.register(phone, { isProtected: true, expires: 0 })).status, 200)
  assert.equal((await stack.register(tablet, { isProtected: true, expires: 0 })).status, 200)
  await stack.killProcess()
  await stack.startProcess()
  assert.deepEqual(await stack.registrations(), [])
  assert.equal(await stack.serverOf('alice'), '')
})

test('SIGTERM drains and ends with 0', async () => {
  assert.equal(await stack.killProcess('SIGTERM'), 0)
})
