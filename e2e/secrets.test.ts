import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { writePidf } from '@rollcall/pidf'
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

  // K and OPc of everybody; CK and IK of each SA set, as ESP has them; the sealing keys and the key of NATS.
  const secrets = new Map<string, Buffer>()
  for (const [name, { keys }] of Object.entries(network.world.credentials)) {
    secrets.set(`K of ${name}`, keys.k.reveal())
    secrets.set(`OPc of ${name}`, keys.opc.reveal())
  }
  const keyLog = await readFile(keyLogFile, 'utf8')
  for (const [index, match] of [...keyLog.matchAll(/"0x([0-9a-fA-F]{32})[0-9a-fA-F]*"/g)].entries()) {
    secrets.set(`session key ${index}`, Buffer.from(String(match[1]), 'hex'))
  }
  assert.ok(secrets.size > 20, 'there are session keys in the key log')
  for (const service of ['hss', 'pcscf']) {
    const file = JSON.parse(await readFile(network.data.sealingKeysFile(service), 'utf8')) as {
      keys: Record<string, string>
    }
    for (const [id, text] of Object.entries(file.keys))
      secrets.set(`sealing key ${service} ${id}`, Buffer.from(text, 'base64'))
  }

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

  const natsKey = (await readFile(network.data.natsKeyFile, 'utf8')).trim()
  for (const [place, content] of places) {
    assert.ok(!content.includes(natsKey), `the key of NATS is in ${place}`)
    for (const [what, key] of secrets) {
      for (const form of formsOf(key)) assert.ok(!content.includes(form), `${what} is in ${place}`)
    }
  }
})

/** How a key might be written down: raw, in hexadecimal of either case, in base64 with and without its tail. */
function formsOf(key: Buffer): (Buffer | string)[] {
  const hex = key.toString('hex')
  return [key, hex, hex.toUpperCase(), key.toString('base64').replace(/=+$/, ''), key.toString('base64url')]
}
