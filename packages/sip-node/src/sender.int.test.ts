import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemRandom } from '@rollcall/core'
import { createResponse, newBranch, parseMessage, parseVia, type SipRequest, serializeMessage } from '@rollcall/sip'
import { NodeBed, request, responseOf, until } from './testing/node-bed.ts'

const ADDRESS = '127.32.2.2'
let port = 21_000
const nextPort = (): number => ++port
const at = (number: number): string => `${ADDRESS}:${number}`

/** A TCP server by hand, which hands out each message that comes as one chunk. */
async function serve(t: TestContext, on: (request: SipRequest, socket: Socket) => void, listenPort = nextPort()) {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => on(parseMessage(chunk) as SipRequest, socket))
  })
  await new Promise<void>((resolve) => server.listen(listenPort, ADDRESS, resolve))
  const close = (): void => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  t.after(close)
  return { port: listenPort, sockets, close }
}

/** Settings of a node whose one peer is at these ports, over a link that is protected. */
function peerAt(transport: 'tcp' | 'udp', own: number, ...ports: number[]) {
  return {
    unprotectedListen: `${transport}:${at(own)}`,
    unprotectedPeers: `as.vendor.org=as@${ports.map((one) => `${transport}:${at(one)}`).join('|')}`,
    protectedElsewhere: ADDRESS,
  }
}

const answer = (asked: SipRequest, socket: Socket): void => {
  socket.write(serializeMessage(createResponse(asked, 200, { toTag: 'as' })))
}

test('our Via names the transport and where we listen, the response is given back with the Via that was asked with (RFC 3261 section 18.1.1)', async (t) => {
  const bed = await NodeBed.create(t)
  const seen: SipRequest[] = []
  const as = await serve(t, (asked, socket) => {
    seen.push(asked)
    socket.write(serializeMessage(createResponse(asked, 100)))
    answer(asked, socket)
  })
  const own = nextPort()
  const scscf = await bed.start('scscf', peerAt('tcp', own, as.port))
  const asked = request('SUBSCRIBE')
  const response = responseOf(await scscf.send('AS.vendor.org', asked))
  assert.deepEqual(response.headers.getAll('Via'), asked.headers.getAll('Via'))
  const via = parseVia(seen[0]?.headers.list('Via')[0] ?? '')
  assert.deepEqual([via.transport, via.host, via.port], ['TCP', ADDRESS, own])
  assert.equal(via.params.get('branch'), parseVia(asked.headers.list('Via')[0] ?? '').params.get('branch'))
  assert.equal(await scscf.metric('rollcall_sip_outcomes_total{peer="as",outcome="response"}'), 1)
})

test('a host that is in no table has no route; one of a node that only sends, too', async (t) => {
  const bed = await NodeBed.create(t)
  const scscf = await bed.start('scscf', { peers: 'p.vendor.org=pcscf' })
  assert.equal(scscf.node.sender.has('p.vendor.org'), false)
  assert.deepEqual(await scscf.send('x.vendor.org', request('SUBSCRIBE')), { kind: 'no-route' })
  assert.deepEqual(await scscf.send('p.vendor.org', request('SUBSCRIBE')), { kind: 'no-route' })
})

test('a target that is not there is passed over, with another branch (RFC 3263 section 4.3)', async (t) => {
  const bed = await NodeBed.create(t)
  const branches: unknown[] = []
  const as = await serve(t, (asked, socket) => {
    branches.push(parseVia(asked.headers.list('Via')[0] ?? '').params.get('branch'))
    answer(asked, socket)
  })
  const scscf = await bed.start('scscf', peerAt('tcp', nextPort(), nextPort(), as.port))
  const asked = request('SUBSCRIBE')
  assert.equal(responseOf(await scscf.send('as.vendor.org', asked)).status, 200)
  assert.notEqual(branches[0], parseVia(asked.headers.list('Via')[0] ?? '').params.get('branch'))
  // The dead one is in its back-off: the next ones go where somebody is.
  for (let n = 0; n < 4; n++)
    assert.equal(responseOf(await scscf.send('as.vendor.org', request('SUBSCRIBE'))).status, 200)
  await scscf.node.close(0)
  assert.deepEqual(await scscf.send('as.vendor.org', request('SUBSCRIBE')), { kind: 'unreachable' })
})

test('a request whose connection is lost goes once more, and no more than once', async (t) => {
  const bed = await NodeBed.create(t)
  let times = 0
  let losses = 1
  const as = await serve(t, (asked, socket) => {
    times += 1
    if (losses-- > 0) socket.destroy()
    else answer(asked, socket)
  })
  const scscf = await bed.start('scscf', peerAt('tcp', nextPort(), as.port))
  assert.equal(responseOf(await scscf.send('as.vendor.org', request('SUBSCRIBE'))).status, 200)
  assert.equal(times, 2)
  losses = 10
  assert.deepEqual(await scscf.send('as.vendor.org', request('SUBSCRIBE')), { kind: 'unreachable' })
  assert.equal(times, 4)
})

test('who gives no answer is given up at the sender’s own deadline', async (t) => {
  const bed = await NodeBed.create(t)
  const as = await serve(t, () => undefined)
  const scscf = await bed.start('scscf', peerAt('tcp', nextPort(), as.port))
  assert.deepEqual(await scscf.send('as.vendor.org', request('SUBSCRIBE'), { deadlineMs: 100 }), { kind: 'timeout' })
})

test('what may not leave does not: at first, behind a wait, and at a retransmission (Timer E, RFC 3261 section 17.1.2.2)', async (t) => {
  const bed = await NodeBed.create(t)
  const as = await serve(t, answer)
  const scscf = await bed.start('scscf', peerAt('tcp', nextPort(), as.port))
  assert.deepEqual(await scscf.send('as.vendor.org', request('NOTIFY'), { mayLeave: () => false }), {
    kind: 'withdrawn',
  })
  // Asked when it is taken and when it is begun; the third time it has waited for the connection.
  let asked = 0
  const result = await scscf.send('as.vendor.org', request('NOTIFY'), { mayLeave: () => ++asked < 3 })
  assert.deepEqual(result, { kind: 'withdrawn' })

  const silent = createSocket('udp4')
  t.after(() => silent.close())
  let datagrams = 0
  silent.on('message', () => {
    datagrams += 1
  })
  const udpPort = nextPort()
  await new Promise<void>((resolve) => silent.bind(udpPort, ADDRESS, resolve))
  const other = await bed.start('scscf', peerAt('udp', nextPort(), udpPort), { name: 'scscf-2' })
  let may = true
  const sent = other.send('as.vendor.org', request('NOTIFY'), { mayLeave: () => may })
  await until(() => datagrams === 1)
  may = false
  assert.deepEqual(await sent, { kind: 'withdrawn' })
  assert.equal(datagrams, 1)
})

test('over UDP a request is sent again until it is answered (Timer E, RFC 3261 section 17.1.2.2)', async (t) => {
  const bed = await NodeBed.create(t)
  const as = createSocket('udp4')
  t.after(() => as.close())
  const vias: string[] = []
  as.on('message', (octets, remote) => {
    const asked = parseMessage(octets) as SipRequest
    vias.push(asked.headers.list('Via')[0] ?? '')
    if (vias.length === 2)
      as.send(serializeMessage(createResponse(asked, 200, { toTag: 'as' })), remote.port, remote.address)
  })
  const udpPort = nextPort()
  await new Promise<void>((resolve) => as.bind(udpPort, ADDRESS, resolve))
  const own = nextPort()
  const scscf = await bed.start('scscf', peerAt('udp', own, udpPort))
  assert.equal(responseOf(await scscf.send('as.vendor.org', request('SUBSCRIBE'))).status, 200)
  assert.equal(vias.length, 2)
  assert.equal(vias[0], vias[1])
  assert.match(vias[0] ?? '', new RegExp(`^SIP/2.0/UDP ${ADDRESS}:${own};branch=z9hG4bK[^;]*;rport$`))
})

test('responses of nobody’s are dropped and counted, what cannot be read as well', async (t) => {
  const bed = await NodeBed.create(t)
  const own = nextPort()
  const scscf = await bed.start('scscf', peerAt('tcp', own, nextPort()))
  const socket = connect({ host: ADDRESS, port: own, localAddress: ADDRESS })
  t.after(() => socket.destroy())
  const asked = request('SUBSCRIBE', [], `sip:x@${newBranch(systemRandom)}`)
  socket.write(serializeMessage(createResponse(asked, 200)))
  socket.write('NONSENSE\r\nContent-Length: 0\r\n\r\n')
  await until(async () => (await scscf.metric('rollcall_sip_dropped_total{transport="TCP",reason="unreadable"}')) === 1)
  assert.equal(await scscf.metric('rollcall_sip_dropped_total{transport="TCP",reason="stray-response"}'), 1)
})
