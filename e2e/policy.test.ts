import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { waitUntil } from '@rollcall/deploy/local/metrics.ts'
import { readPidfSummary, writePidf } from '@rollcall/pidf'
import { SubscriptionEndedError, SubscriptionRefusedError } from '@rollcall/ue'
import { TestNetwork } from './support/network.ts'

const CLI = fileURLToPath(new URL('../packages/cli/src/main.ts', import.meta.url))

interface Ran {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** `rollcall subscriber policy …`, as an operator of the network. */
function setPolicy(network: TestNetwork, ...args: string[]): Promise<Ran> {
  const env = {
    ...process.env,
    ROLLCALL_DATA_DIR: network.data.path,
    ROLLCALL_HSS_TARGET: network.stack.grpcTarget('hss'),
  }
  const command = ['--disable-warning=ExperimentalWarning', join(CLI), 'subscriber', 'policy', ...args]
  return new Promise((resolve) => {
    execFile(process.execPath, command, { env }, (error, stdout, stderr) => {
      resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr })
    })
  })
}

test('from the moment that the command returns nobody whom it blocks is told anything; who is allowed again may come back', async () => {
  await using network = await TestNetwork.start({ block: 39 })
  const phone = await network.ue('alice-phone')
  const bob = await network.ue('bob')
  const carol = await network.ue('carol')
  for (const ue of [phone, bob, carol]) await ue.register()
  const body = (note: string) => writePidf({ entity: phone.identity, tupleId: 'a', basic: 'open', note })
  const publication = await phone.publish({ body: body('for all') })
  const ofBob = await bob.subscribe({ uri: phone.identity })
  const ofCarol = await carol.subscribe({ uri: phone.identity })
  await ofBob.next(5_000)
  await ofCarol.next(5_000)

  const blocked = await setPolicy(network, phone.identity, '--default', 'allow', '--block', bob.identity, '--json')
  assert.equal(blocked.code, 0, blocked.stderr)
  const told = JSON.parse(blocked.stdout) as { inForce: boolean; revision: string; policy: { Block: string[] } }
  assert.deepEqual([told.inForce, told.policy.Block], [true, [bob.identity]])
  await publication.modify(body('not for bob'))
  // What comes to bob is the end of his subscription, and nothing else.
  const last = await ofBob.next(5_000)
  assert.deepEqual([last.state, last.reason, last.body.length], ['terminated', 'rejected', 0])
  await assert.rejects(ofBob.next(5_000), SubscriptionEndedError)
  let notes: readonly unknown[] = []
  await waitUntil('carol is told', async () => {
    notes = readPidfSummary((await ofCarol.next(10_000)).body).tuples.flatMap((tuple) => tuple.notes)
    return notes.includes('not for bob')
  })
  await assert.rejects(bob.subscribe({ uri: phone.identity }), (error: unknown) => {
    assert.ok(error instanceof SubscriptionRefusedError, String(error))
    return error.status === 403
  })

  const allowed = await setPolicy(network, phone.identity, '--default', 'allow', '--json')
  assert.equal(allowed.code, 0, allowed.stderr)
  assert.ok(BigInt(JSON.parse(allowed.stdout).revision) > BigInt(told.revision))
  const again = await bob.subscribe({ uri: phone.identity })
  assert.match(String((await again.next(5_000)).body), /not for bob/)
  await again.unsubscribe()

  // Without a Presence Server it is stored, and nobody says that it is in force.
  const presence = network.stack.service('presence')
  await presence.kill('SIGKILL')
  const stored = await setPolicy(network, phone.identity, '--default', 'allow', '--block', bob.identity)
  assert.equal(stored.code, 1)
  assert.match(stored.stderr, /^rollcall: the policy is stored as revision \d+, but it may not be in force everywhere/)
  presence.spawn()
  const goneOn = await setPolicy(network, phone.identity, '--default', 'allow', '--block', bob.identity)
  assert.equal(goneOn.code, 0, goneOn.stderr)
  assert.match(goneOn.stdout, /, revision \d+: in force\n/)
  // The S-CSCF may not have noticed yet that the Presence Server is back.
  let status: number | undefined
  await waitUntil('bob is refused', async () => {
    status = await bob.subscribe({ uri: phone.identity }).then(
      () => 200,
      (error: unknown) => (error instanceof SubscriptionRefusedError ? error.status : undefined),
    )
    return status !== 503
  })
  assert.equal(status, 403)
  await ofCarol.unsubscribe()
})
