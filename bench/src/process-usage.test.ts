import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { cpuUs, rssMb, treeCpuUs, treeRssMb } from './process-usage.ts'

test('knows what this process uses', () => {
  assert(cpuUs(process.pid) > 10_000)
  const mb = rssMb(process.pid)
  assert(mb > 20 && mb < 4_000, String(mb))
})

test('a tree holds the children, and keeps the CPU time of those that have ended', async () => {
  const burn = 'const end = Date.now() + 300; while (Date.now() < end); process.stdin.resume()'
  const child = spawn(process.execPath, ['-e', burn], { stdio: ['pipe', 'ignore', 'ignore'] })
  const { pid = 0 } = child
  const endMs = performance.now() + 20_000
  while (cpuUs(pid) < 200_000 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20))
  assert(treeRssMb(process.pid) > treeRssMb(pid))
  const whileThere = treeCpuUs(process.pid)
  assert(whileThere >= cpuUs(process.pid) - 50_000 + 200_000)
  const ended = once(child, 'exit')
  child.stdin.end()
  await ended
  assert(treeCpuUs(process.pid) >= whileThere)
})
