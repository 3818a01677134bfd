import { existsSync } from 'node:fs';
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { join } from 'node:path';
import { execa } from 'execa';

// Certificates for servers and their clients, made by openssl under an authority of one's own.

/** Long enough for any run, short enough that a forgotten key ends. */
const DAYS = 825;

/** There is no openssl, or it failed. */
export class NoCertificates extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'NoCertificates';
  }
}

/** Who a certificate is for: a server under the hosts it is reached at, or a client under its name. */
export interface Certified { readonly file: string; readonly name: string; readonly hosts: readonly string[] | null }

/** Makes an authority and the certificates that are not there yet, as <file>.crt and <file>.key readable by their owner; ca.crt lies beside them, the authority's own key in `caDir`. */
export async function makeCertificates({ dir, caDir, wanted }: { readonly dir: string; readonly caDir: string; readonly wanted: readonly Certified[] }): Promise<void> {
  await Promise.all([dir, caDir].map((each) => mkdir(each, { recursive: true, mode: 0o700 })));
  const [ca, caKey] = [join(dir, 'ca.crt'), join(caDir, 'ca.key')];
  if (!existsSync(ca)) {
    await openssl(['req', '-x509', ...newKey(caKey), '-out', ca, '-days', String(DAYS), '-subj', '/CN=Brigade', '-addext', 'basicConstraints=critical,CA:TRUE', '-addext', 'keyUsage=critical,keyCertSign,cRLSign']);
    await chmod(caKey, 0o600);
  }
  for (const { file, name, hosts } of wanted) {
    const [key, request, extensions, certificate] = ['key', 'csr', 'ext', 'crt'].map((end) => join(dir, `${file}.${end}`)) as [string, string, string, string];
    if (existsSync(certificate)) continue;
    await openssl(['req', ...newKey(key), '-out', request, '-subj', `/CN=${name}`]);
    await chmod(key, 0o600);
    const names = (hosts ?? []).map((host) => `${isIP(host) ? 'IP' : 'DNS'}:${host}`).join(',');
    // A server is a client of its neighbours in a cluster.
    await writeFile(extensions, `basicConstraints=CA:FALSE\nextendedKeyUsage=${hosts === null ? '' : 'serverAuth,'}clientAuth\n${names === '' ? '' : `subjectAltName=${names}\n`}`);
    await openssl(['x509', '-req', '-in', request, '-CA', ca, '-CAkey', caKey, '-CAcreateserial', '-CAserial', join(caDir, 'ca.srl'), '-out', certificate, '-days', String(DAYS), '-extfile', extensions]);
    await Promise.all([request, extensions].map((each) => rm(each)));
  }
}

const newKey = (file: string): string[] => ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', file];

async function openssl(args: readonly string[]): Promise<void> {
  const run = await execa('openssl', args, { reject: false, stdin: 'ignore', timeout: 60_000, env: {}, extendEnv: true });
  if (run.code === 'ENOENT') throw new NoCertificates('openssl is not on PATH, and --tls makes certificates with it: install it, or give certificates of your own by --ca, --cert and --cert-key');
  if (run.failed) throw new NoCertificates(`openssl ${args[0]} failed: ${run.stderr.trim().split('\n').at(-1) ?? run.shortMessage}`);
}
