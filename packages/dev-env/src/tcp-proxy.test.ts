import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { TcpProxy } from './tcp-proxy.ts'

const ADDRESS = '127.40.0.1'
let echo: Server
let proxy: TcpProxy

before(async () => {
  echo = createServer((socket) => socket.on('error', () => {}).pipe(socket))
  echo.listen(15_001, ADDRESS)
  await once(echo, 'listening')
  proxy = await TcpProxy.start({ listen: `${ADDRESS}:15002`, target: `${ADDRESS}:15001` })
})

after(async () => {
  await proxy?.[Symbol.asyncDispose]()
  echo?.close()
})

async function open(): Promise<Socket> {
  const socket = createConnection({ host: ADDRESS, port: 15_002 })
  await once(socket, 'connect')
  return socket
}

test('an open link brings octets there and back', async () => {
  const socket = await open()
  socket.write('hello')
  assert.equal(String((await once(socket, 'data'))[0]), 'hello')
  socket.destroy()
})

test('a cut link resets who is there and who comes; a restored one takes new connections', async () => {
  const socket = await open()
  socket.write('x')
  await once(socket, 'data')
  const reset = once(socket, 'error')
  proxy.cut()
  assert.match(String((await reset)[0]), /ECONNRESET/)
  assert.equal(proxy.connections, 0)
  const refused = createConnection({ host: ADDRESS, port: 15_002 })
  await once(refused, 'error')
  proxy.restore()
  const again = await open()
  again.write('back')
  assert.equal(String((await once(again, 'data'))[0]), 'back')
  again.destroy()
})

test('a stalled link moves nothing and loses nothing', async () => {
  const socket = await open()
  socket.write('1')
  await once(socket, 'data')
  proxy.stall()
  const late = await open()
  let text = ''
  socket.on('data', (chunk) => (text += String(chunk)))
  const lateAnswer = once(late, 'data')
  socket.write('2')
  socket.write('3')
  late.write('late')
  // A round through another way than the link: what it had let through would be here by then.
  const direct = createConnection({ host: ADDRESS, port: 15_001 })
  direct.write('d')
  await once(direct, 'data')
  assert.equal(text, '')
  proxy.restore()
  assert.equal(String((await lateAnswer)[0]), 'late')
  while (text.length < 2) await once(socket, 'data')
  assert.equal(text, '23')
  for (const one of [socket, late, direct]) one.destroy()
})
