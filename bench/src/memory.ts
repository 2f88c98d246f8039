import type { BenchOptions } from './command.ts'
import type { BenchRow } from './report/bench-row.ts'
export async function benchMemory(_: BenchOptions): Promise<BenchRow[]> {
  return []
}
