import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { NatsServerStartError } from './errors.ts'
import { startNatsServer } from './nats-server-process.ts'
import { obtainNatsServer } from './obtain-nats-server.ts'

const root = await mkdtemp(join(tmpdir(), 'rollcall-nats-'))
after(() => rm(root, { recursive: true }))
const { path: binary } = await obtainNatsServer()
const place = { binary, address: '127.1.3.31', port: 14222 }
const configText = 'listen: "127.1.3.31:14222"'

function canConnect(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(place.port, place.address)
    socket.on('error', () => resolve(false))
    socket.on('connect', () => {
      socket.destroy()
      resolve(true)
    })
  })
}

test('a server that was started answers, and one that was stopped, killed or restarted is what it should be', async () => {
  await using server = await startNatsServer({ ...place, folder: join(root, 'a'), configText })
  assert.ok(await canConnect())
  const first = server.pid
  await server.kill('SIGKILL')
  assert.equal(server.isRunning, false)
  assert.equal(await canConnect(), false)
  await server.start()
  assert.notEqual(server.pid, first)
  await server.restart()
  assert.ok(await canConnect())
  await server.kill('SIGSTOP')
  await server.stop()
  assert.equal(await canConnect(), false)
})

test('a server that ends by itself is told, one that is asked to is not', async () => {
  const ends: string[] = []
  const o = { ...place, folder: join(root, 'b'), configText, onExit: (how: string) => void ends.push(how) }
  await using server = await startNatsServer(o)
  process.kill(server.pid ?? assert.fail('it runs'), 'SIGKILL')
  while (server.isRunning) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(ends, ['killed by SIGKILL'])
  await server.restart()
  await server.stop()
  assert.equal(ends.length, 1)
})

test('a server that cannot start says why', async () => {
  const wrong = startNatsServer({ ...place, folder: join(root, 'c'), configText: 'no_such_setting: 1' })
  await assert.rejects(wrong, (error) => {
    assert.ok(error instanceof NatsServerStartError)
    assert.match(error.message, /no_such_setting/)
    return true
  })
  const absent = { ...place, binary: join(root, 'absent'), folder: join(root, 'd'), configText }
  await assert.rejects(startNatsServer(absent), NatsServerStartError)
})
