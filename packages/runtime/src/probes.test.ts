import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ListenError } from './errors.ts'
import { createMetrics } from './metrics.ts'
import { ProbeServer, type Readiness } from './probes.ts'

const address = '127.1.4.11'

test('the three probes answer, and nothing else does', async (t) => {
  const metrics = createMetrics('hss')
  let readiness: Readiness = { ready: false, reasons: ['NATS is away'] }
  await using server = await ProbeServer.listen({ listen: `${address}:0`, metrics, ready: () => readiness })
  t.after(() => metrics.shutdown())
  const get = async (path: string, method = 'GET'): Promise<[number, string]> => {
    const response = await fetch(`http://${address}:${server.port}${path}`, { method })
    return [response.status, await response.text()]
  }
  assert.deepEqual(await get('/livez'), [200, 'ok\n'])
  assert.deepEqual(await get('/readyz'), [503, 'not ready\nNATS is away\n'])
  readiness = { ready: true, reasons: ['ROLLCALL_PCSCF_ALLOW_X is on'] }
  assert.deepEqual(await get('/readyz?verbose'), [200, 'ready\nROLLCALL_PCSCF_ALLOW_X is on\n'])
  const [status, text] = await get('/metrics')
  assert.equal(status, 200)
  assert.match(text, /process_resident_memory_bytes \d+/)
  assert.equal((await get('/'))[0], 404)
  assert.equal((await get('/livez', 'POST'))[0], 405)
})

test('an address in use is a typed error', async (t) => {
  const metrics = createMetrics('hss')
  t.after(() => metrics.shutdown())
  const ready = (): Readiness => ({ ready: true, reasons: [] })
  await using server = await ProbeServer.listen({ listen: `${address}:0`, metrics, ready })
  await assert.rejects(ProbeServer.listen({ listen: `${address}:${server.port}`, metrics, ready }), ListenError)
})
