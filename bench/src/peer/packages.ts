import { existsSync, globSync } from 'node:fs'

/** What of Debian the peer is made of, and a file of each that must be there. */
const PACKAGES: readonly (readonly [name: string, file: string])[] = [
  ['kamailio', '/usr/sbin/kamailio'],
  ['kamailio-presence-modules', '/usr/lib/*/kamailio/modules/presence.so'],
  ['kamailio-xml-modules', '/usr/lib/*/kamailio/modules/xmlops.so'],
  ['kamailio-postgres-modules', '/usr/lib/*/kamailio/modules/db_postgres.so'],
  ['postgresql', '/usr/lib/postgresql/*/bin/initdb'],
]

export const KAMAILIO = '/usr/sbin/kamailio'
/** Where Debian keeps the tables of Kamailio's modules, as `kamdbctl` uses them. */
export const SCHEMA_FOLDER = '/usr/share/kamailio/postgres'

/** The peer cannot be run here. */
export class MissingPackagesError extends Error {
  override readonly name = 'MissingPackagesError'

  constructor(packages: readonly string[]) {
    super(
      `the peer is Debian's Kamailio with PostgreSQL; to install what is missing: apt-get install ${packages.join(' ')}`,
    )
  }
}

/** Names of the packages that are missing on this machine. */
export function missingPackages(isThere: (glob: string) => boolean = isMatched): string[] {
  return PACKAGES.filter(([, file]) => !isThere(file)).map(([name]) => name)
}

/** Folder of PostgreSQL's server commands, of the newest version there is. */
export function postgresFolder(): string {
  const versionOf = (folder: string): number => Number(/postgresql\/(\d+)\//.exec(folder)?.[1] ?? 0)
  const [newest = ''] = globSync('/usr/lib/postgresql/*/bin/').sort((a, b) => versionOf(b) - versionOf(a))
  return newest
}

function isMatched(glob: string): boolean {
  return existsSync(glob) || globSync(glob).length > 0
}
