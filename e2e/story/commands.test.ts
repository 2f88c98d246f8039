import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'node:test'
import { fileURLToPath } from 'node:url'
import { TestNetwork } from '../support/network.ts'
import { waitFor } from './waiting.ts'

const MAIN = fileURLToPath(new URL('../../packages/cli/src/main.ts', import.meta.url))

/** A command as a person runs it. */
class CommandRun {
  readonly child: ChildProcess
  readonly ended: Promise<number>
  stdout = ''
  stderr = ''

  constructor(network: TestNetwork, args: readonly string[]) {
    this.child = spawn(process.execPath, [MAIN, ...args], {
      env: {
        ...process.env,
        ROLLCALL_DATA_DIR: network.data.path,
        ROLLCALL_HSS_TARGET: network.stack.grpcTarget('hss'),
        ROLLCALL_NATS_URL: network.stack.natsUrl,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.child.stdout?.on('data', (chunk) => (this.stdout += String(chunk)))
    this.child.stderr?.on('data', (chunk) => (this.stderr += String(chunk)))
    this.ended = new Promise((resolve) => this.child.once('close', (code) => resolve(code ?? -1)))
  }

  /** The objects of `--json`. */
  lines(): Record<string, unknown>[] {
    return this.stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line))
  }
}

test('a person registers, publishes, watches, is refused, sets rules, and manages subscribers with the rollcall command', async () => {
  await using network = await TestNetwork.start({ block: 18 })
  const run = async (...args: string[]): Promise<CommandRun & { code: number }> => {
    const command = new CommandRun(network, args)
    return Object.assign(command, { code: await command.ended })
  }

  const registered = await run('ue', 'register', '--json')
  assert.equal(registered.code, 0, registered.stderr)
  assert.equal(registered.lines()[0]?.protection, 'udp-enc-tun aes-cbc hmac-sha-1-96')

  const watching = new CommandRun(network, ['ue', 'watch', 'alice', '--as', 'bob', '--json'])
  await waitFor('bob is told the first state', async () => watching.lines()[0], 20_000)
  const published = await run('ue', 'publish', '--basic', 'open', '--note', 'At lunch', '--activity', 'meal')
  assert.equal(published.code, 0, published.stderr)
  assert.match(published.stdout, /published open "At lunch" until /)
  await waitFor('bob sees the note', async () =>
    watching.lines().find((line) => JSON.stringify(line).includes('At lunch')),
  )

  const watchers = await run('ue', 'winfo')
  assert.match(watchers.stdout, /active +sip:bob@/)
  const refused = await run('ue', 'winfo', 'alice', '--as', 'mallory')
  assert.deepEqual([refused.code, refused.stderr], [1, 'rollcall: the subscription was refused: 403 Forbidden\n'])
  const blocked = await run('ue', 'fetch', 'alice', '--as', 'mallory')
  assert.equal(blocked.code, 1)

  assert.equal((await run('ue', 'publish', '--basic', 'closed')).code, 0)
  const fetched = await run('ue', 'fetch', 'tel:+15550100', '--as', 'carol')
  assert.equal(fetched.code, 0, fetched.stderr)
  assert.match(fetched.stdout, /\n {2}closed\n/)
  assert.doesNotMatch(fetched.stdout, /At lunch/, 'the later publication took the place of the first')

  watching.child.kill('SIGINT')
  assert.equal(await watching.ended, 0, watching.stderr)
  const contacts = await network.operator.listContacts()
  assert.deepEqual(
    contacts.map(({ impi }) => impi),
    [],
    'everybody has de-registered',
  )

  await checkUtCommands(network, run)
  await checkSubscriberCommands(network, run)
  const store = await run('store', 'init', '--json')
  assert.equal(store.code, 0, store.stderr)
  assert.deepEqual(store.lines()[0]?.created, [])
})

/** Rules and documents over Ut, beside a watch that goes on. */
async function checkUtCommands(
  network: TestNetwork,
  run: (...args: string[]) => Promise<CommandRun & { code: number }>,
): Promise<void> {
  const { domain } = network.world
  assert.match((await run('ue', 'rules', 'show')).stdout, /^no rules/)
  const allowed = await run('ue', 'rules', 'allow', 'bob')
  assert.deepEqual(
    [allowed.code, allowed.stdout.split('\n')[0]],
    [0, `sip:bob@${domain}: allow, in force`],
    allowed.stderr,
  )
  const watching = new CommandRun(network, ['ue', 'watch', 'alice', '--as', 'carol', '--json'])
  await waitFor('carol waits', async () => watching.lines().find(({ state }) => state === 'pending'), 20_000)
  const watchers = await run('ue', 'watchers')
  assert.match(watchers.stdout, new RegExp(`wait for your word[^\n]*\n +sip:carol@${domain}\n`))
  assert.equal((await run('ue', 'rules', 'allow', 'carol', '--older-key')).code, 1, 'the proxy takes the suite alone')
  assert.equal((await run('ue', 'rules', 'allow', 'carol')).code, 0)
  await waitFor('carol is let in', async () => watching.lines().find(({ state }) => state === 'active'), 20_000)
  watching.child.kill('SIGINT')
  await watching.ended
  const shown = await run('ue', 'rules', 'show')
  assert.match(shown.stdout, new RegExp(`allow +sip:bob@${domain}, sip:carol@${domain} `))
  const node =
    'pres-rules/index/~~/cp:ruleset/cp:rule[@id="rollcall-allow"]?xmlns(cp=urn:ietf:params:xml:ns:common-policy)'
  assert.match((await run('ue', 'xcap', 'get', node)).stdout, /^<rule id="rollcall-allow">/)
  assert.equal((await run('ue', 'xcap', 'get', node, '--as', 'bob')).code, 1)
  assert.equal((await run('ue', 'xcap', 'delete', 'pres-rules/index')).stdout, 'deleted\n')
  const { impi } = network.world.credentials['carol-cli']
  const file = join(network.data.path, 'password')
  await writeFile(file, 'correct horse\n')
  const set = await run('subscriber', 'password', 'set', impi, '--realm', domain, '--file', file)
  assert.deepEqual([set.code, set.stdout], [0, `${impi} has a password in ${domain}\n`], set.stderr)
  assert.match((await run('subscriber', 'guss', 'show', impi)).stdout, new RegExp(`"sip:carol@${domain}"`))
}

async function checkSubscriberCommands(
  network: TestNetwork,
  run: (...args: string[]) => Promise<CommandRun & { code: number }>,
): Promise<void> {
  const { domain } = network.world
  const file = join(network.data.path, 'dave.json')
  const dave = {
    IMSSubscription: {
      SubscriptionID: 'dave',
      PrivateID: { Identity: `001010000000020@${domain}`, K: '00'.repeat(16), OPc: '11'.repeat(16) },
      ServiceProfile: { PublicIdentity: { Identity: `sip:dave@${domain}` } },
    },
  }
  await writeFile(file, JSON.stringify(dave))
  const added = await run('subscriber', 'add', '--file', file)
  assert.deepEqual([added.code, added.stdout], [0, 'added dave\n'])
  assert.match((await run('subscriber', 'add', '--file', file)).stdout, /was there already/)
  const shown = await run('subscriber', 'show', `sip:dave@${domain}`)
  assert.match(shown.stdout, /"SubscriptionID": "dave"[\s\S]*not registered/)
  assert.doesNotMatch(shown.stdout, /"K"|"OPc"/)
  const listed = (await run('subscriber', 'list', '--json')).lines()
  assert.deepEqual(listed.map(({ subscriptionId }) => subscriptionId).toSorted(), [
    'alice',
    'bob',
    'carol',
    'dave',
    'mallory',
  ])
  assert.equal((await run('subscriber', 'remove', 'dave')).code, 0)
  const gone = await run('subscriber', 'show', 'dave')
  assert.equal(gone.code, 1)
  assert.match(gone.stderr, /^rollcall: the HSS says: no such subscriber\n$/)
}
