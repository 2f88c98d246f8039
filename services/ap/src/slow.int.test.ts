import assert from 'node:assert/strict'
import { connect as connectTcp, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ApStack } from './testing/ap-stack.ts'
import { DOCUMENT, PlayedUe } from './testing/played-ue.ts'

const address = '127.54.3.2'
const SLOW = '127.54.3.3'
const OTHER = '127.54.3.4'
const BOUND_MS = '300'
const DROP_MS = 20

const ENV = {
  ROLLCALL_AP_SOURCE_CONNECTIONS_MAX: '3',
  ROLLCALL_AP_HEADER_TIMEOUT_MS: BOUND_MS,
  ROLLCALL_AP_REQUEST_TIMEOUT_MS: BOUND_MS,
  // A client of Node's leaves a connection that is said to end within a second.
  ROLLCALL_AP_IDLE_TIMEOUT_MS: '2000',
}

const refused = (stack: ApStack, listener: string, reason: string) =>
  stack.runtime.metric(`rollcall_http_refused_total{listener="${listener}",reason="${reason}"}`)

function ended(socket: Socket): Promise<void> {
  socket.resume()
  return new Promise((resolve) => {
    if (socket.destroyed) resolve()
    else socket.once('close', () => resolve())
  })
}

async function othersAreServed(t: TestContext, stack: ApStack): Promise<void> {
  const ue = await PlayedUe.open(stack, { localAddress: OTHER })
  t.after(() => ue.close())
  assert.equal((await ue.ask(stack.bsf.bootstrap('bob'))).status, 200)
}

test('a source opens so many connections, and others are served beside it', async (t) => {
  const stack = await ApStack.start(t, address, { env: ENV })
  const open = () => PlayedUe.open(stack, { localAddress: SLOW })
  const kept = [await open(), await open(), await open()]
  t.after(() => {
    for (const ue of kept) ue.close()
  })
  await assert.rejects(open())
  assert.equal(await refused(stack, 'ua-digest', 'source-connections'), 1)
  await othersAreServed(t, stack)
})

test('a listener takes so many connections in all', async (t) => {
  const stack = await ApStack.start(t, address, { env: { ROLLCALL_AP_CONNECTIONS_MAX: '2' } })
  const kept = [await PlayedUe.open(stack, { localAddress: SLOW }), await PlayedUe.open(stack, { localAddress: OTHER })]
  t.after(() => {
    for (const ue of kept) ue.close()
  })
  await assert.rejects(PlayedUe.open(stack))
  assert.equal(await refused(stack, 'ua-digest', 'connections'), 1)
})

for (const [what, begin, isDribbled] of [
  ['dribbles its header', `GET ${DOCUMENT} HTTP/1.1\r\nHost: xcap.home1.net\r\nX-Slow: `, true],
  ['dribbles its body', `PUT ${DOCUMENT} HTTP/1.1\r\nHost: xcap.home1.net\r\nContent-Length: 60000\r\n\r\n`, true],
  ['stays idle after its answer', `GET ${DOCUMENT} HTTP/1.1\r\nHost: xcap.home1.net\r\n\r\n`, false],
] as const) {
  test(`a UE that ${what} is ended in its time, and others are served meanwhile (slow-loris)`, async (t) => {
    const stack = await ApStack.start(t, address, { env: ENV })
    const slow = await Promise.all([1, 2, 3].map(() => PlayedUe.open(stack, { localAddress: SLOW })))
    t.after(() => {
      for (const ue of slow) ue.close()
    })
    for (const { socket } of slow) {
      socket.write(begin)
      const drops = isDribbled ? setInterval(() => socket.write('x'), DROP_MS) : undefined
      socket.once('close', () => clearInterval(drops))
    }
    await othersAreServed(t, stack)
    await Promise.all(slow.map(({ socket }) => ended(socket)))
    if (isDribbled) assert.equal(await refused(stack, 'ua-digest', 'slow'), 3)
    assert.equal(stack.as.seen.length, 1, 'the one that was served')
  })
}

test('a client that is slow in TLS is ended in its time by every listener (slow-loris)', async (t) => {
  const stack = await ApStack.start(t, address, { env: ENV })
  const { digest, psk12, psk13 } = stack.ports
  const slow = [digest, psk12, psk13].map((port) => connectTcp({ host: address, port, localAddress: SLOW }))
  t.after(() => {
    for (const socket of slow) socket.destroy()
  })
  // The beginning of a record, and no more.
  for (const socket of slow) socket.write(Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00]))
  await othersAreServed(t, stack)
  await Promise.all(slow.map(ended))
  assert.equal(await refused(stack, 'ua-digest', 'handshake'), 1)
  assert.equal(await stack.runtime.metric('rollcall_ap_psk_handshakes_total{outcome="no-key"}'), 2)
})
