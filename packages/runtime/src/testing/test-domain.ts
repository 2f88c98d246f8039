import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Clock } from '@rollcall/core'
import { createTrustDomain, leafFiles } from '@rollcall/pki'
import { createRuntime, type Runtime } from '../runtime.ts'
import { TlsIdentity } from '../tls-identity.ts'

/** A trust domain in a temporary folder, with a leaf for each role that a test names. */
export interface TestDomain {
  readonly folder: string
  readonly trustDomain: string
  /** A runtime of a service with this certificate; what it logs is gathered in `lines`. */
  runtime(name: string, o?: { clock?: Clock; trustDomain?: string }): Promise<TestRuntime>
}

export interface TestRuntime extends Runtime {
  /** Log lines, parsed. */
  readonly lines: Record<string, unknown>[]
  /** The value of one series of the exposition; 0 when it is not there. */
  metric(series: string): Promise<number>
}

export async function createTestDomain(
  t: TestContext,
  leaves: readonly string[],
  trustDomain = 'rollcall.test',
): Promise<TestDomain> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-runtime-'))
  t.after(() => rm(folder, { recursive: true }))
  await createTrustDomain({ folder, trustDomain, leaves: leaves.map((name) => ({ name, role: name, dnsNames: [] })) })
  return {
    folder,
    trustDomain,
    async runtime(name, o = {}) {
      const identity = await TlsIdentity.load({ ...leafFiles(folder, name), trustDomain: o.trustDomain ?? trustDomain })
      t.after(() => identity[Symbol.dispose]())
      const lines: Record<string, unknown>[] = []
      const runtime = createRuntime({
        service: name,
        identity,
        logLevel: 'debug',
        logDestination: { write: (line: string) => void lines.push(JSON.parse(line)) },
        ...(o.clock ? { clock: o.clock } : {}),
      })
      t.after(() => runtime.metrics.shutdown())
      return {
        ...runtime,
        lines,
        async metric(series) {
          const text = await runtime.metrics.expose()
          const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `))
          return line ? Number(line.slice(series.length + 1)) : 0
        },
      }
    },
  }
}

/** Waits until `read` says true; the test's own time-out ends it otherwise. */
export async function until(read: () => boolean | Promise<boolean>, timeoutMs = 5_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  while (!(await read())) {
    if (performance.now() > endMs) throw new Error(`waited ${timeoutMs} ms in vain: ${read}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
