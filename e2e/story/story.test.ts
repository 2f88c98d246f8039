import assert from 'node:assert/strict'
import test from 'node:test'
import { fetchMetrics } from '@rollcall/deploy/local/metrics.ts'
import { gmTimers } from '@rollcall/ue'
import { T1_MS, TestNetwork } from '../support/network.ts'
import { STORY_STEPS, type StepReport, type StoryStack, UT_STEPS } from './stack.ts'
import { runStory } from './story.ts'

function stackOf(network: TestNetwork): StoryStack {
  return {
    world: network.world,
    timers: gmTimers(T1_MS),
    portPs: 15_064,
    attackerAddress: '127.8.1.66',
    admin: network.operator,
    ut: network.operator,
    metrics: (service) => fetchMetrics(network.stack.probe(service)),
    traces: network.otlp,
  }
}

test('the story plays from the first registration to the trace, and again on the same data', async (t) => {
  await using network = await TestNetwork.start({ block: 8 })
  for (const round of ['first', 'second']) {
    const reports: StepReport[] = []
    const lines: string[] = []
    const stack = stackOf(network)
    const isWell = await runStory(stack, {
      report: (report) => {
        reports.push(report)
        t.diagnostic(`${round}: ${report.ok ? 'ok' : 'FAILED'} ${report.step} ${report.ms} ms: ${report.detail}`)
      },
      log: (line) => lines.push(line),
    })
    assert.ok(isWell, reports.at(-1)?.detail ?? '')
    assert.deepEqual(
      reports.map(({ step }) => step),
      STORY_STEPS.filter((step) => stack.ut !== undefined || !UT_STEPS.has(step)),
    )
    const onGm = reports.filter(({ step }) => !UT_STEPS.has(step))
    const unprotected = onGm.filter(({ protection }) => protection !== 'udp-enc-tun aes-cbc hmac-sha-1-96')
    assert.deepEqual(
      unprotected.map(({ step }) => step),
      ['trace'],
    )
    assert.match(lines[0] ?? '', /^SUBSCRIBE of bob, trace [0-9a-f]{32}, /)
    for (const line of lines) t.diagnostic(line)
  }
  assert.deepEqual(network.unexpectedEnds, [])
})
