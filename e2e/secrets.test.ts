import assert from 'node:assert/strict'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { test } from 'node:test'
import { generateVector } from '@rollcall/aka'
import { Secret } from '@rollcall/core'
import { SERVICES } from '@rollcall/deploy/local/stack.ts'
import { HTTP_DIGEST_UA_PROTOCOL, ksNaf, nafId, uaProtocolOfSuiteName } from '@rollcall/gba'
import { writePidf } from '@rollcall/pidf'
import { fileIsimStore, isimStateFile, Ut } from '@rollcall/ue'
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
  const password = 'correct horse battery staple'
  await network.operator.setDigestPassword({ impi: phone.impi, realm: network.world.domain, password })
  const gba = await bootstrapAndAsk(network)

  const known = await knownSecrets({ ...network, keyLogFile })
  const secrets = { ...known, keys: new Map([...known.keys, ...gba, ['password', Buffer.from(password)]]) }
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

/** Ks of a UE, and Ks_NAF under each identifier that it may have been derived by: RAND is in the B-TID. */
async function bootstrapAndAsk(network: TestNetwork): Promise<Map<string, Buffer>> {
  const credentials = network.world.credentials['alice-phone']
  const isimStore = fileIsimStore(isimStateFile(network.world.fileOf('alice-phone')))
  await using ut = await Ut.open({ credentials, isimStore })
  await ut.rules.get()
  const { btid } = ut.bootstrapped ?? (await ut.bootstrap())
  const rand = Buffer.from(btid.slice(0, btid.indexOf('@')), 'base64')
  const { ck, ik, xres } = generateVector(credentials.keys, { sqn: 0n, amf: Buffer.alloc(2), rand })
  const ks = new Secret(Buffer.concat([ck.reveal(), ik.reveal()]))
  const fqdn = new URL(credentials.ut?.xcapRoot ?? '').hostname
  const protocols = { suite: uaProtocolOfSuiteName('TLS_AES_128_GCM_SHA256'), older: HTTP_DIGEST_UA_PROTOCOL }
  const derived = Object.entries(protocols).map(([name, protocol]): [string, Buffer] => [
    `Ks_NAF by ${name}`,
    ksNaf({ ks, rand, impi: credentials.impi, nafId: nafId(fqdn, protocol) }).reveal(),
  ])
  return new Map([['Ks', ks.reveal()], ['CK', ck.reveal()], ['IK', ik.reveal()], ['RES', xres.reveal()], ...derived])
}
