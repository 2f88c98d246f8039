import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { fetchMetrics, sumOf, waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { writePidf } from '@rollcall/pidf'
import { CxServiceClient } from '@rollcall/proto-gen/cx'
import { callUnary, createGrpcClient, RpcError, type TlsIdentity } from '@rollcall/runtime'
import type { Ue } from '@rollcall/ue'
import { STORY_STEPS, type StepReport } from '../story/stack.ts'
import { runStory } from '../story/story.ts'
import { assertNoSecrets, knownSecrets } from '../support/known-secrets.ts'
import { IMAGES } from './images.ts'
import { ContainerNetwork } from './network.ts'
import { PersistentPublisher, stateIn } from './persistent-publisher.ts'
import { sendOverHop, strangerIdentity } from './strangers.ts'

/** Acknowledged before a kill and after the return: enough that the kill falls amid some. */
const PUBLISHED_EACH_SIDE = 5
const BACK_MS_MAX = 60_000

let network: ContainerNetwork

before(async () => {
  network = await ContainerNetwork.start()
})

after(async () => {
  await network?.[Symbol.asyncDispose]()
})

test('the story plays from the first registration to the trace, a container each service', async (t) => {
  const reports: StepReport[] = []
  const isWell = await runStory(network.story, {
    report: (report) => {
      reports.push(report)
      t.diagnostic(`${report.ok ? 'ok' : 'FAILED'} ${report.step} ${report.ms} ms: ${report.detail}`)
    },
    log: (line) => t.diagnostic(line),
  })
  assert.ok(isWell, reports.at(-1)?.detail ?? '')
  assert.deepEqual(
    reports.map(({ step }) => step),
    [...STORY_STEPS],
  )
})

test('every container runs without root, with a read-only root, without a capability and without a way to gain one', async () => {
  const { stack } = network
  assert.equal(stack.names.length, stack.services.length + 1)
  for (const name of stack.names) {
    const { Config, HostConfig, State, Mounts } = await stack.inspect(name)
    assert.equal(State.Health?.Status, 'healthy', name)
    assert.equal(Config.User, '10001:10001', name)
    assert.equal(HostConfig.ReadonlyRootfs, true, name)
    assert.equal(HostConfig.Privileged, false, name)
    assert.deepEqual(HostConfig.CapDrop, ['ALL'], name)
    assert.deepEqual(HostConfig.CapAdd ?? [], [], name)
    assert.ok(HostConfig.SecurityOpt?.includes('no-new-privileges'), name)
    const writable = Mounts.filter(({ RW }) => RW).map(({ Destination }) => Destination)
    assert.deepEqual(writable, name === 'nats' ? ['/var/lib/rollcall/nats'] : [], name)
    // What the kernel says of the process itself, asked from inside.
    const status = await stack.run(name, "fs.readFileSync('/proc/1/status', 'utf8')")
    for (const line of [
      /^Uid:\t10001\t10001\t/m,
      /^CapEff:\t0+$/m,
      /^CapBnd:\t0+$/m,
      /^NoNewPrivs:\t1$/m,
      /^Seccomp:\t2$/m,
    ])
      assert.match(status, line, name)
    assert.match(
      await stack.run(name, "try { fs.writeFileSync('/app/x', '') } catch (error) { error.code }"),
      /EROFS|EACCES/,
    )
  }
})

test('an image holds one service with its production dependencies: no shell, no other service, no tests, no key', async () => {
  const { stack } = network
  for (const image of IMAGES) {
    const { Config } = await stack.images.inspect(image)
    assert.equal(Config.User, '10001:10001', image)
    assert.equal(Config.Labels['org.opencontainers.image.title'], `rollcall/${image}`)
    assert.ok(Config.Healthcheck, image)
    assert.deepEqual(
      Config.Env.filter((entry) => /KEY|SECRET|TOKEN|PASSWORD/i.test(entry)),
      [],
      image,
    )
  }
  const list =
    "fs.readdirSync('/app', { recursive: true }).filter((file) => !file.includes('node_modules/')).join('\\n')"
  for (const name of stack.services) {
    const service = name.replace(/-\d+$/, '')
    const files = (await stack.run(name, list)).trim().split('\n')
    const services = new Set(files.flatMap((file) => /^services\/([^/]+)$/.exec(file)?.[1] ?? []))
    assert.deepEqual([...services], [service])
    assert.deepEqual(
      files.filter((file) => /\.test\.ts$|\.key$|\.pem$|packages\/(?:pki|dev-env|sim|ue)(?:\/|$)/.test(file)),
      [],
    )
    assert.equal(await stack.run(name, "['/bin/sh', '/bin/bash'].filter((file) => fs.existsSync(file)).length"), '0')
    const modules = await stack.run(name, "fs.readdirSync('/app/node_modules').join()")
    for (const developer of ['typescript', 'testcontainers', 'knip', 'fast-check'])
      assert.ok(!modules.split(',').includes(developer), `${developer} is in ${name}`)
  }
})

test('a client with a certificate of another authority is refused in the handshake, on gRPC and on the hop (decision 8)', async () => {
  const { stack } = network
  using scscf = await strangerIdentity(stack, 'scscf')
  assert.equal(await askHss(scscf), 'RPC_UNAVAILABLE')
  assert.notEqual(await sendOverHop(scscf, { role: 'presence', target: stack.grpcTarget('presence') }), 'response')
})

test('a client of the trust domain with the wrong role is refused and counted, on gRPC and on the hop (decision 4)', async () => {
  const { stack } = network
  using pcscf = await stack.identity('pcscf')
  using scscf = await stack.identity('scscf')
  const rpc = { rpc: 'rollcall.cx.v1.CxService/LocationInfo', role: 'pcscf', reason: 'role' }
  const denied = async () => sumOf(await fetchMetrics(stack.probe('hss')), 'rollcall_rpc_denied_total', rpc)
  const before = await denied()
  assert.equal(await askHss(pcscf), 'RPC_DENIED')
  assert.equal(await denied(), before + 1)
  assert.notEqual(await askHss(scscf), 'RPC_DENIED', 'the right role is let in')
  // The P-CSCF sends to the S-CSCF and not past it.
  assert.notEqual(await sendOverHop(pcscf, { role: 'presence', target: stack.grpcTarget('presence') }), 'response')
  const streams = { peer: 'pcscf', event: 'denied' }
  assert.ok(sumOf(await fetchMetrics(stack.probe('presence-0')), 'rollcall_hop_streams_total', streams) > 0)
})

for (const victims of [['presence-0'], ['presence-1'], ['nats'], ['presence-0', 'presence-1', 'nats']]) {
  test(`docker kill -s KILL of ${victims.join(', ')} amid PUBLISHes: what comes back has everything that was answered 2xx`, async () => {
    const { stack } = network
    const { phone, bob, publisher } = await peopleWhoStay()
    publisher.start()
    const goesOn = async (what: string): Promise<void> => {
      const from = publisher.acknowledged
      await waitUntil(what, () => publisher.acknowledged >= from + PUBLISHED_EACH_SIDE, BACK_MS_MAX)
    }
    await goesOn('alice publishes')
    for (const victim of victims) await stack.kill(victim)
    for (const victim of victims) assert.equal((await stack.inspect(victim)).State.Running, false)
    for (const victim of victims) await stack.startAgain(victim)
    await stack.ready()
    await goesOn(`alice publishes after the return of ${victims.join(', ')}`)
    await publisher.stop()
    const told = stateIn((await bob.fetch({ uri: phone.identity })).body)
    assert.ok(
      told >= publisher.acknowledged && told <= publisher.attempted,
      `told ${told}, acknowledged ${publisher.acknowledged}, attempted ${publisher.attempted}`,
    )
    const registered = (await network.operator.listRegistrations()).map(({ impi }) => impi)
    for (const ue of [phone, bob]) assert.ok(registered.includes(ue.impi))
  })
}

test('no key is in a log, a metric or a span of any container', async () => {
  const { stack, otlp, world } = network
  const keyLogFile = join(stack.data.path, 'keylog')
  const phone = await network.ue('alice-tablet', { keyLogFile })
  await phone.register()
  await phone.publish({ body: writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open' }) })
  await phone.reregister()
  await phone.deregister()
  const places = new Map<string, Buffer>([['spans', Buffer.from(JSON.stringify(otlp.spans()))]])
  for (const name of stack.names) {
    places.set(`log of ${name}`, await stack.logs(name))
    const { Config } = await stack.inspect(name)
    places.set(`settings of ${name}`, Buffer.from(JSON.stringify(Config)))
  }
  for (const name of stack.services) {
    const answer = await fetch(`http://${stack.probe(name)}/metrics`)
    places.set(`metrics of ${name}`, Buffer.from(await answer.arrayBuffer()))
  }
  assert.ok([...places.values()].every((content) => content.length > 100))
  assertNoSecrets(await knownSecrets({ world, data: stack.data, keyLogFile }), places)
})

/** They register once: what they have outlives every kill. */
let staying: { phone: Ue; bob: Ue; publisher: PersistentPublisher } | undefined

async function peopleWhoStay() {
  if (!staying) {
    const [phone, bob] = [await network.ue('alice-phone'), await network.ue('bob')]
    for (const ue of [phone, bob]) await ue.register()
    staying = { phone, bob, publisher: new PersistentPublisher(phone) }
  }
  return staying
}

/** What the HSS answers to a question of Cx. */
async function askHss(identity: TlsIdentity): Promise<string> {
  const client = createGrpcClient(CxServiceClient, { target: network.stack.grpcTarget('hss'), role: 'hss', identity })
  try {
    await callUnary(client.locationInfo.bind(client), { impu: `sip:nobody@${network.world.domain}` })
    return 'answered'
  } catch (error) {
    if (error instanceof RpcError) return error.code
    throw error
  } finally {
    client.close()
  }
}
