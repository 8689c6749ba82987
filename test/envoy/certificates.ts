import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Pair {
  certificate: string;
  key: string;
}

/** An authority and what it signs, made by openssl in a directory. */
export class TestAuthority {
  readonly #directory: string;
  readonly root: Pair;

  constructor(directory: string) {
    this.#directory = directory;
    const subject = ['-x509', '-days', '3650', '-subj', '/O=cluster.local'];
    openssl(directory, 'req', ...subject, ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem');
    this.root = this.#read('ca');
  }

  /** @param name `URI:spiffe://cluster.local/ns/shop/sa/reviews` @param days for which it is valid, from now. */
  sign(file: string, name: string, days: number): Pair {
    const directory = this.#directory;
    writeFileSync(join(directory, `${file}.ext`), `subjectAltName=critical,${name}\n`);
    openssl(directory, 'req', '-subj', '/', ...newKey, '-keyout', `${file}.key`, '-out', `${file}.csr`);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', `${file}.ext`];
    openssl(directory, 'x509', '-req', '-in', `${file}.csr`, ...by, '-days', String(days), '-out', `${file}.pem`);
    return this.#read(file);
  }

  #read(file: string): Pair {
    const text = (name: string) => readFileSync(join(this.#directory, name), 'utf8');
    return { certificate: text(`${file}.pem`), key: text(`${file}.key`) };
  }
}

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

function openssl(cwd: string, ...args: string[]): void {
  execFileSync('openssl', args, { cwd, stdio: ['ignore', 'ignore', 'pipe'] });
}
