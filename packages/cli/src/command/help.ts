import type { Command } from './command.ts'
import type { OptionTable } from './options.ts'

/** Help is read in terminals of this width. */
const COLUMNS = 100
const GROUPS: Readonly<Record<string, string>> = {
  ue: 'a UE with an ISIM: registers, acts, de-registers; manages its documents over Ut',
  presence: 'what the Presence Server decides, as its operator',
  subscriber: "the HSS's subscribers, as their operator",
  registration: "the S-CSCF's registrations, as their operator",
  store: 'the store below the services',
}

/** Everything there is, in groups. */
export function renderOverview(commands: readonly Command[]): string {
  const lines = ['usage: rollcall COMMAND [options]', '']
  for (const [group, what] of Object.entries(GROUPS)) lines.push(`${group}: ${what}`, ...listOf(commands, group), '')
  lines.push("'rollcall COMMAND --help' tells more of each. Exit code: 0 done, 1 refused or failed, 2 wrong usage.")
  return `${lines.join('\n')}\n`
}

/** The commands of one group. */
export function renderGroup(commands: readonly Command[], group: string): string {
  const lines = [`usage: rollcall ${group} COMMAND [options]`, '', `${group}: ${GROUPS[group] ?? ''}`]
  return `${[...lines, ...listOf(commands, group)].join('\n')}\n`
}

export function renderCommand(command: Command): string {
  const lines = [`usage: ${usageOf(command)}`, '', ...wrap(command.description, COLUMNS), '', 'options:']
  lines.push(...optionLines(command.options), '', 'examples:', ...command.examples.map((example) => `  ${example}`))
  return `${lines.join('\n')}\n`
}

/** `rollcall ue watch URI [options]` */
export function usageOf(command: Command): string {
  return ['rollcall', ...command.path, ...(command.operands ? [command.operands] : []), '[options]'].join(' ')
}

function listOf(commands: readonly Command[], group: string): string[] {
  const own = commands.filter((command) => (command.group ?? command.path[0]) === group)
  const names = own.map(({ path, operands }) => [...path, ...(operands ? [operands] : [])].join(' '))
  const width = Math.max(...names.map((name) => name.length))
  return own.map(({ summary }, at) => `  ${(names[at] ?? '').padEnd(width)}  ${summary}`)
}

function optionLines(options: OptionTable): string[] {
  const rows = Object.entries(options).map(([name, spec]) => {
    const value = spec.oneOf ? spec.oneOf.join('|') : spec.value
    return { head: value === undefined ? `--${name}` : `--${name} ${value}`, help: spec.help }
  })
  const width = Math.max(...rows.map(({ head }) => head.length))
  return rows.flatMap(({ head, help }) => {
    const [first = '', ...rest] = wrap(help, COLUMNS - width - 4)
    return [`  ${head.padEnd(width)}  ${first}`, ...rest.map((line) => `  ${''.padEnd(width)}  ${line}`)]
  })
}

/** Breaks text at blanks, so that no line is longer than `columns` unless a word is. Indented lines stay as they are. */
function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((paragraph) => {
    if (paragraph.startsWith('  ')) return [paragraph]
    const lines: string[] = []
    let line = ''
    for (const word of paragraph.split(' ')) {
      if (line !== '' && line.length + 1 + word.length > columns) {
        lines.push(line)
        line = word
      } else line = line === '' ? word : `${line} ${word}`
    }
    return [...lines, line]
  })
}
