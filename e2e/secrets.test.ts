import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { writePidf } from '@rollcall/pidf'
import { assertNoSecrets, knownSecrets } from './support/known-secrets.ts'
import { TestNetwork } from './support/network.ts'

/**
 * Files in which secrets are at home: the operator's own, the UEs' credentials and states, and the key log that a person
 * asked for. Everything else was written by services and by NATS.
 */
const EXEMPT = [/^secrets\//, /^ue\//, /^keylog$/]

test('no key is in a log, a trace, a metric or a file that services or NATS write', async () => {
  await using network = await TestNetwork.start({ block: 16 })
  const keyLogFile = join(network.data.path, 'keylog')
  const phone = await network.ue('alice-phone', { keyLogFile })
  const mallory = await network.ue('mallory', { keyLogFile })
  await phone.register()
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' }) })
  await phone.reregister()
  await mallory.register()
  await assert.rejects(mallory.subscribe({ uri: phone.identity }))
  await phone.deregister()

  const secrets = await knownSecrets({ ...network, keyLogFile })
  const places = new Map<string, Buffer>()
  for (const name of SERVICES) {
    const response = await fetch(`http://${network.stack.probe(name)}/metrics`)
    places.set(`metrics of ${name}`, Buffer.from(await response.arrayBuffer()))
  }
  places.set('spans', Buffer.from(JSON.stringify(network.otlp.spans())))
  await network.stack.stop()
  for (const file of await readdir(network.data.path, { recursive: true, withFileTypes: true })) {
    const path = join(file.parentPath, file.name)
    const name = relative(network.data.path, path)
    if (file.isFile() && !EXEMPT.some((exempt) => exempt.test(name))) places.set(name, await readFile(path))
  }
  assert.ok(
    [...places.keys()].some((name) => name.startsWith('nats/')),
    'the store is among them',
  )
  assert.ok(
    [...places.keys()].some((name) => name.startsWith('log/')),
    'the logs are among them',
  )

  assertNoSecrets(secrets, places)
})
