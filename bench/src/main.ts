import { writeFileSync } from 'node:fs'
import { benchBootstrap } from './bootstrap.ts'
import { type BenchName, type BenchOptions, type Command, parseCommand, USAGE } from './command.ts'
import { benchEsp } from './esp.ts'
import { benchHop } from './hop.ts'
import { describeMachine } from './machine.ts'
import { benchMemory } from './memory.ts'
import { benchFanout, benchPublish, benchSubscribe } from './own-benches.ts'
import { benchPath } from './path.ts'
import { comparePeer } from './peer/compare.ts'
import { MissingPackagesError } from './peer/packages.ts'
import { benchPolicy } from './policy.ts'
import { benchRegister } from './register.ts'
import type { BenchReport, BenchRow, Machine, RatioRow } from './report/bench-row.ts'
import { formatRatio, formatRow } from './report/table.ts'
import { serve } from './serve.ts'
import { benchSip } from './sip.ts'
import { benchTakeover } from './takeover.ts'
import { benchRuleToNotify, benchXcap } from './xcap.ts'

const BENCHES: Readonly<Record<BenchName, (o: BenchOptions) => AsyncIterable<BenchRow>>> = {
  publish: benchPublish,
  subscribe: benchSubscribe,
  fanout: benchFanout,
  hop: benchHop,
  sip: benchSip,
  policy: benchPolicy,
  esp: benchEsp,
  register: benchRegister,
  bootstrap: benchBootstrap,
  xcap: benchXcap,
  'rule-to-notify': benchRuleToNotify,
  path: benchPath,
  memory: benchMemory,
  takeover: benchTakeover,
}

/** Whoever ends it early leaves nothing behind: what runs is killed when this process ends. */
const ENDED_BY_SIGNAL = 130

async function main(command: Command): Promise<void> {
  switch (command.kind) {
    case 'help':
      console.log(USAGE)
      return
    case 'wrong':
      console.error(`${command.problem}\n${USAGE}`)
      process.exitCode = 2
      return
    case 'serve':
      await serve(command.sip)
      return
    case 'bench':
      endOnSignal()
      await runBenches(command)
      return
    case 'peer':
      endOnSignal()
      await runPeer(command)
      return
  }
}

async function runBenches(command: Extract<Command, { kind: 'bench' }>): Promise<void> {
  const machine = sayMachine()
  const rows: BenchRow[] = []
  for (const name of command.names) {
    for await (const row of BENCHES[name](command)) {
      rows.push(row)
      console.log(formatRow(row))
    }
  }
  write(command.json, { machine, rows, ratios: [] })
}

async function runPeer(command: Extract<Command, { kind: 'peer' }>): Promise<void> {
  try {
    const machine = sayMachine()
    const rows: BenchRow[] = []
    const ratios: RatioRow[] = []
    for await (const compared of comparePeer()) {
      rows.push(...compared.rows)
      ratios.push(compared.ratio)
      for (const row of compared.rows) console.log(formatRow(row))
    }
    console.log()
    for (const ratio of ratios) console.log(formatRatio(ratio))
    write(command.json, { machine, rows, ratios })
  } catch (error) {
    if (!(error instanceof MissingPackagesError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}

function sayMachine(): Machine {
  const machine = describeMachine()
  console.log(`${machine.cpu}, ${machine.cores} cores, ${machine.fdatasync_per_s} fdatasync of 8 kB a second`)
  console.log('CPU time is an operation’s, by process; memory is resident, at the end')
  return machine
}

function write(file: string | undefined, report: BenchReport): void {
  if (file !== undefined) writeFileSync(file, `${JSON.stringify(report, null, 2)}\n`)
}

function endOnSignal(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(ENDED_BY_SIGNAL))
}

await main(parseCommand(process.argv.slice(2)))
