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
  const burn = 'while (process.cpuUsage().user < 300_000); process.stdin.resume()'
  const child = spawn(process.execPath, ['-e', burn], { stdio: ['pipe', 'ignore', 'ignore'] })
  const ended = once(child, 'exit')
  try {
    const { pid = 0 } = child
    const endMs = performance.now() + 20_000
    while (cpuUs(pid) < 200_000 && performance.now() < endMs) await new Promise((resolve) => setTimeout(resolve, 20))
    assert(treeRssMb(process.pid) > treeRssMb(pid))
    const own = cpuUs(process.pid)
    const whileThere = treeCpuUs(process.pid)
    assert(whileThere >= own + 200_000, `${whileThere} ${own}`)
    child.stdin.end()
    await ended
    assert(treeCpuUs(process.pid) >= whileThere)
  } finally {
    child.kill('SIGKILL')
  }
})
