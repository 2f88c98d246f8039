import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { connect, createServer, type Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { createResponse, parseMessage, type SipRequest, type SipResponse, serializeMessage } from '@rollcall/sip'
import { NodeBed, request, responseOf, type TestNode, until } from './testing/node-bed.ts'

const ADDRESS = '127.32.2.3'
let port = 22_000
const nextPort = (): number => ++port

/** A node that takes TCP and UDP of this address, over a link that is protected. */
async function listening(
  t: TestContext,
  o: Parameters<NodeBed['start']>[2] = {},
): Promise<TestNode & { port: number }> {
  const bed = await NodeBed.create(t)
  const own = nextPort()
  const unprotectedListen = `tcp:${ADDRESS}:${own},udp:${ADDRESS}:${own}`
  const unprotectedPeers = `p.vendor.org=pcscf@tcp:${ADDRESS}:5060`
  const node = await bed.start('scscf', { unprotectedListen, unprotectedPeers, protectedElsewhere: ADDRESS }, o)
  return { ...node, port: own }
}

/** A client by hand, with the responses that came. */
async function dial(t: TestContext, to: number): Promise<{ socket: Socket; responses: SipResponse[] }> {
  const socket = connect({ host: ADDRESS, port: to, localAddress: ADDRESS })
  t.after(() => socket.destroy())
  const responses: SipResponse[] = []
  socket.on('error', () => {})
  socket.on('data', (chunk) => {
    for (const text of chunk.toString('latin1').split(/(?=SIP\/2\.0 \d)/)) {
      responses.push(parseMessage(Buffer.from(text, 'latin1')) as SipResponse)
    }
  })
  await new Promise((resolve) => socket.once('connect', resolve))
  return { socket, responses }
}

const tcp = (method: string, id: string, via = 'SIP/2.0/TCP p.vendor.org'): SipRequest => {
  const asked = request(method)
  asked.headers.setAll('Via', [`${via};branch=z9hG4bK-${id}`])
  return asked
}

test('requests that come together are answered on their connection, in any order (RFC 3261 section 18.2.2)', async (t) => {
  const replies: (() => void)[] = []
  const node = await listening(t, {
    answer: ({ request: asked }, reply) =>
      void replies.push(() => reply(serializeMessage(createResponse(asked, 200, { toTag: 'a' })))),
  })
  const { socket, responses } = await dial(t, node.port)
  socket.write(Buffer.concat(['1', '2', '3'].map((id) => serializeMessage(tcp('SUBSCRIBE', id)))))
  await until(() => replies.length === 3)
  for (const reply of replies.reverse()) reply()
  await until(() => responses.length === 3)
  assert.deepEqual(
    responses.map(({ headers }) => /branch=z9hG4bK-(\d)/.exec(headers.get('Via') ?? '')?.[1]),
    ['3', '2', '1'],
  )
  assert.match(responses[0]?.headers.get('Via') ?? '', new RegExp(`;received=${ADDRESS}$`))
})

test('when its connection is gone a response takes a new one, to the port of the Via (RFC 3261 section 18.2.2)', async (t) => {
  let reply: (() => void) | undefined
  const node = await listening(t, {
    answer: ({ request: asked }, answer) => {
      reply = () => answer(serializeMessage(createResponse(asked, 200, { toTag: 'a' })))
    },
  })
  const listenPort = nextPort()
  let got = ''
  const server = createServer((socket) => socket.on('data', (chunk) => (got += chunk.toString('latin1'))))
  await new Promise<void>((resolve) => server.listen(listenPort, ADDRESS, resolve))
  t.after(() => server.close())
  const { socket } = await dial(t, node.port)
  socket.write(serializeMessage(tcp('SUBSCRIBE', 'gone', `SIP/2.0/TCP p.vendor.org:${listenPort}`)))
  await until(() => reply !== undefined)
  socket.destroy()
  await until(async () => (await node.metric('rollcall_sip_closed_total{transport="TCP"')) === 1)
  reply?.()
  await until(() => got !== '')
  assert.match(got, /^SIP\/2\.0 200 OK\r\n/)
})

test('what cannot be read or framed is answered as far as possible (RFC 3261 sections 18.3 and 21.4)', async (t) => {
  const node = await listening(t)
  const ask = async (octets: string): Promise<number | undefined> => {
    const { socket, responses } = await dial(t, node.port)
    socket.write(octets)
    await until(() => responses.length === 1 || socket.destroyed)
    return responses[0]?.status
  }
  const whole = serializeMessage(tcp('SUBSCRIBE', 'x')).toString('latin1')
  assert.equal(await ask(whole), 200)
  assert.equal(await ask(whole.replace('Content-Length: 0', 'Content-Length: 70000')), 413)
  assert.equal(await ask(whole.replace('Content-Length: 0\r\n', '')), 400)
  assert.equal(await ask(whole.replace('Content-Length: 0', 'Content-Length: zero')), 400)
  assert.equal(await ask(whole.replace(/From: [^\r]*\r\n/, '')), 400)
  assert.equal(await ask(whole.replace('SIP/2.0\r\n', 'SIP/3.0\r\n')), 505)
  assert.equal(node.taken.length, 1)
})

test('INVITE goes to the service as any other method, ACK is absorbed', async (t) => {
  const node = await listening(t, { status: 405 })
  const { socket, responses } = await dial(t, node.port)
  socket.write(serializeMessage(tcp('ACK', 'i')))
  socket.write(serializeMessage(tcp('INVITE', 'i')))
  await until(() => responses.length === 1)
  assert.equal(responses[0]?.status, 405)
  assert.deepEqual(
    node.taken.map(({ request: { method } }) => method),
    ['INVITE'],
  )
})

test('over UDP a retransmission gets the answer that was given, at the port that asked for it (RFC 3261 section 17.2.2, RFC 3581 section 4)', async (t) => {
  const node = await listening(t)
  const socket = createSocket('udp4')
  t.after(() => socket.close())
  const got: SipResponse[] = []
  socket.on('message', (octets) => got.push(parseMessage(octets) as SipResponse))
  await new Promise<void>((resolve) => socket.bind(0, ADDRESS, resolve))
  const octets = serializeMessage(tcp('SUBSCRIBE', 'udp', 'SIP/2.0/UDP p.vendor.org;rport'))
  for (let copy = 0; copy < 3; copy++) socket.send(octets, node.port, ADDRESS)
  await until(() => got.length === 3)
  assert.equal(node.taken.length, 1)
  const rport = socket.address().port
  assert.match(got[0]?.headers.get('Via') ?? '', new RegExp(`;rport=${rport};branch=z9hG4bK-udp;received=${ADDRESS}$`))
  assert.equal(got[0]?.headers.get('To'), got[2]?.headers.get('To'))
})

test('an asserted identity that cannot be read is 400, and nothing of it is passed on (RFC 3325 section 9.1)', async (t) => {
  const node = await listening(t)
  const { socket, responses } = await dial(t, node.port)
  const asked = tcp('SUBSCRIBE', 'pai')
  asked.headers.add('P-Asserted-Identity', '<sip:a@b>, <sip:c@d>')
  socket.write(serializeMessage(asked))
  await until(() => responses.length === 1)
  assert.equal(responses[0]?.status, 400)
  assert.deepEqual(node.taken, [])
})

test('a node that stops answers what it has, and refuses what is new with 503', async (t) => {
  let reply: (() => void) | undefined
  const node = await listening(t, {
    answer: ({ request: asked }, answer) => {
      reply = () => answer(serializeMessage(createResponse(asked, 200, { toTag: 'a' })))
    },
  })
  const { socket, responses } = await dial(t, node.port)
  socket.write(serializeMessage(tcp('SUBSCRIBE', 'before')))
  await until(() => reply !== undefined)
  node.node.drain()
  socket.write(serializeMessage(tcp('SUBSCRIBE', 'after')))
  await until(() => responses.length === 1)
  assert.equal(responses[0]?.status, 503)
  assert.ok(responses[0]?.headers.has('Retry-After'))
  reply?.()
  await until(() => responses.length === 2)
  assert.equal(responses[1]?.status, 200)
})

test('a connection with more requests under way than it may have waits, and loses nothing', async (t) => {
  const replies: (() => void)[] = []
  const node = await listening(t, {
    answer: ({ request: asked }, reply) =>
      void replies.push(() => reply(serializeMessage(createResponse(asked, 200, { toTag: 'a' })))),
  })
  const socket = connect({ host: ADDRESS, port: node.port, localAddress: ADDRESS })
  t.after(() => socket.destroy())
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  const count = 4_000
  for (let n = 0; n < count; n++) socket.write(serializeMessage(tcp('SUBSCRIBE', `p${n}`)))
  await until(() => replies.length >= 1_024)
  await new Promise((resolve) => setTimeout(resolve, 100))
  // What one chunk held that was read before it had to wait comes as well.
  assert.ok(replies.length < 1_024 + 400, String(replies.length))
  const answering = setInterval(() => {
    for (const reply of replies.splice(0)) reply()
  }, 1)
  t.after(() => clearInterval(answering))
  await until(() => text.split('SIP/2.0 200').length - 1 === count, 'all are answered', 20_000)
})

test('requests to a node take the connection that it opened, when its Via says so and its certificate is of that host (RFC 5923 section 5)', async (t) => {
  const bed = await NodeBed.create(t)
  const own = nextPort()
  // Nobody listens there: what arrives can only have come by the connection.
  const peers = `as.vendor.org=as@tls:${ADDRESS}:${nextPort()}`
  const scscf = await bed.start('scscf', { tlsListen: `${ADDRESS}:${own}`, peers })
  const { port: peerPort } = { port }
  const open = async (name: string, dnsNames: readonly string[]) => {
    await bed.certificate(name, undefined, dnsNames)
    const options: ConnectionOptions = { host: ADDRESS, port: own, checkServerIdentity: () => undefined }
    const socket = connectTls({ ...options, ...(await bed.pem(name)) })
    t.after(() => socket.destroy())
    const got: string[] = []
    socket.on('data', (chunk: Buffer) => {
      const text = chunk.toString('latin1')
      got.push(text)
      if (text.startsWith('SIP/2.0')) return
      socket.write(serializeMessage(createResponse(parseMessage(chunk) as SipRequest, 202, { toTag: 'as' })))
    })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    return { socket, got }
  }
  const { socket, got } = await open('as', ['as.vendor.org'])
  const via = (host: string, rest: string): string => `SIP/2.0/TLS ${host}:${peerPort}${rest}`
  socket.write(serializeMessage(tcp('NOTIFY', '1', via('as.vendor.org', ''))))
  await until(() => got.length === 1)
  assert.equal((await scscf.send('as.vendor.org', request('SUBSCRIBE'))).kind, 'unreachable', 'it has not asked for it')
  socket.write(serializeMessage(tcp('NOTIFY', '2', via('as.vendor.org', ';alias'))))
  await until(() => got.length === 2)
  assert.equal(responseOf(await scscf.send('as.vendor.org', request('SUBSCRIBE'))).status, 202)
})

test('nobody draws requests to himself by an alias that is not his name (RFC 5923 section 9)', async (t) => {
  const bed = await NodeBed.create(t)
  const [own, elsewhere] = [nextPort(), nextPort()]
  const peers = `as.vendor.org=as@tls:${ADDRESS}:${elsewhere},thief.vendor.org=as`
  const scscf = await bed.start('scscf', { tlsListen: `${ADDRESS}:${own}`, peers })
  await bed.certificate('thief', undefined, ['thief.vendor.org'])
  const options: ConnectionOptions = { host: ADDRESS, port: own, checkServerIdentity: () => undefined }
  const socket = connectTls({ ...options, ...(await bed.pem('thief')) })
  t.after(() => socket.destroy())
  const got: string[] = []
  socket.on('data', (chunk: Buffer) => void got.push(chunk.toString('latin1')))
  await new Promise((resolve) => socket.once('secureConnect', resolve))
  socket.write(serializeMessage(tcp('NOTIFY', '1', `SIP/2.0/TLS as.vendor.org:${elsewhere};alias`)))
  await until(() => got.length === 1)
  assert.match(got[0] ?? '', /^SIP\/2\.0 200/)
  assert.equal((await scscf.send('as.vendor.org', request('SUBSCRIBE'))).kind, 'unreachable')
  assert.equal(got.length, 1)
})
