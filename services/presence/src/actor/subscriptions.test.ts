import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { keptSubscription } from '../testing/inputs.ts'
import { Subscriptions } from './subscriptions.ts'

test('few or many, it knows who has run out and who watches the watchers, as if it had looked at each', () => {
  const step = fc.record({
    act: fc.constantFrom('set', 'set', 'set', 'delete', 'pass', 'end'),
    id: fc.nat(60).map((number) => `s${number}`),
    seconds: fc.nat(20),
    isWinfo: fc.nat(9).map((digit) => digit === 0),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const subscriptions = new Subscriptions()
      let nowMs = 0
      for (const { act, id, seconds, isWinfo } of steps) {
        if (act === 'set') {
          // A subscription stays of its package.
          const eventPackage = subscriptions.get(id)?.eventPackage ?? (isWinfo ? 'presence.winfo' : 'presence')
          subscriptions.set(keptSubscription({ id, eventPackage, expiresAtMs: nowMs + seconds }))
        } else if (act === 'delete') subscriptions.delete(id)
        else if (act === 'pass') nowMs += seconds
        else for (const one of subscriptions.expired(nowMs, 3)) subscriptions.delete(one.id)
        const all = [...subscriptions.values()]
        const due = all.filter(({ expiresAtMs }) => expiresAtMs <= nowMs).map((one) => one.id)
        const told = subscriptions.expired(nowMs, 1_000).map((one) => one.id)
        assert.deepEqual([...told].sort(), due.sort())
        assert.equal(subscriptions.expired(nowMs, 2).length, Math.min(2, due.length))
        const nextMs = Math.min(...all.map(({ expiresAtMs }) => expiresAtMs))
        assert.ok(subscriptions.nextExpiryMs <= nextMs)
        const winfo = all.filter(({ eventPackage }) => eventPackage === 'presence.winfo').map((one) => one.id)
        assert.deepEqual([...subscriptions.winfoIds].sort(), winfo.sort())
      }
    }),
    { seed: 3857, numRuns: 400 },
  )
})

test('what a crowd costs does not grow with it: a subscription more, one less, nothing that ran out', () => {
  const subscriptions = new Subscriptions()
  const of = (id: string, expiresAtMs: number) => keptSubscription({ id, expiresAtMs })
  for (let i = 0; i < 10_000; i++) subscriptions.set(of(`s${i}`, 1_000_000 + i))
  const since = process.cpuUsage()
  for (let i = 0; i < 20_000; i++) {
    subscriptions.set(of(`more${i}`, 2_000_000))
    subscriptions.expired(i, 1_000)
    assert.ok(subscriptions.nextExpiryMs > 20_000)
    subscriptions.delete(`more${i}`)
  }
  const { user } = process.cpuUsage(since)
  // Looking through the crowd each time would take some ten seconds.
  assert.ok(user < 2_000_000, `${user} µs`)
})
