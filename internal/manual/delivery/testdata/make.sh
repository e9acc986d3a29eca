#!/usr/bin/env bash
# Makes what lies beside it, with openssl and other tools than our own: look-alikes of DVV's hierarchies, and of what
# people bring back from it. Run it in this directory; it replaces everything. The keys of the authorities are thrown away.
# Needs openssl 3, zip, keytool, iconv, ssh-keygen, python3 with the package cryptography.
set -euo pipefail
here=$PWD
rm -rf read refused match && mkdir read refused match
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cat > ca.cnf <<'CNF'
[ca]
default_ca = any
[any]
dir = .
new_certs_dir = issued
database = index.txt
rand_serial = yes
default_md = sha256
policy = any_policy
unique_subject = no
copy_extensions = none
email_in_dn = yes
default_crl_days = 30
crl_extensions = list
[any_policy]
countryName = optional
organizationName = optional
organizationalUnitName = optional
serialNumber = optional
commonName = optional
[list]
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[issuing]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[leaf]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth
authorityKeyIdentifier = keyid
subjectAltName = DNS:leima.esimerkki.fi
[ca_leaf]
basicConstraints = critical, CA:TRUE
keyUsage = critical, digitalSignature, keyCertSign
subjectAltName = DNS:leima.esimerkki.fi
[signing]
keyUsage = critical, nonRepudiation
subjectAltName = DNS:leima.esimerkki.fi
[server]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = serverAuth
subjectAltName = DNS:leima.esimerkki.fi
[other_dns]
keyUsage = critical, digitalSignature, keyEncipherment
subjectAltName = DNS:leima.esimerkki.fi, DNS:www.esimerkki.fi
[no_dns]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = clientAuth
CNF
touch index.txt && mkdir issued

subject='/C=FI/O=Esimerkki Oy/OU=Tietohallinto/CN=leima.esimerkki.fi'
key() { openssl genrsa -out "$1.key" 2048 2>/dev/null; }
# request NAME SUBJECT: NAME.csr with the key NAME.key.
request() { openssl req -utf8 -new -sha256 -key "$1.key" -subj "$2" -addext subjectAltName=DNS:leima.esimerkki.fi -out "$1.csr"; }
# sign CSR CA EXTENSIONS NOTBEFORE NOTAFTER OUT [OPTION...]: CA is the name of an authority, or -selfsign.
sign() {
	local by=(-cert "$2.pem" -keyfile "$2.key")
	if [ "$2" = -selfsign ]; then by=(-selfsign -keyfile "${1%.csr}.key"); fi
	openssl ca -batch -notext -utf8 -preserveDN -config ca.cnf "${by[@]}" -in "$1" -extensions "$3" -startdate "$4" -enddate "$5" \
		-out "$6" "${@:7}" 2>/dev/null
}
# authority NAME COMMONNAME CA EXTENSIONS
authority() {
	key "$1"
	request "$1" "/C=FI/O=Digi- ja vaestotietovirasto CA/CN=$2"
	sign "$1.csr" "$3" "$4" 20210101000000Z 20400101000000Z "$1.pem"
}
authority root 'DVV Gov. Root CA - G3 RSA' -selfsign root
authority issuing 'DVV Service Certificates - G5R' root issuing
authority test-root 'DVV TEST Root CA - G3 RSA' -selfsign root
authority test-issuing 'DVV Service Certificates - G5R' test-root issuing # of one name in both hierarchies
key leaf && request leaf "$subject"
key earlier && request earlier "$subject"
key stranger && request stranger "$subject"

# From May 2026 for 200 days, as of the CSR; and its relatives.
from=20260504000000Z until=20261120000000Z
leaf() { sign "${2:-leaf}.csr" "${3:-issuing}" "${4:-leaf}" "${5:-$from}" "${6:-$until}" "$1.pem" "${@:7}"; }
leaf leaf
leaf earlier-leaf earlier
leaf stranger-leaf stranger
leaf expired leaf issuing leaf 20250101000000Z 20260401000000Z
leaf ahead leaf issuing leaf 20260615000000Z 20270101000000Z
leaf of-test leaf test-issuing
leaf is-ca leaf issuing ca_leaf
leaf signing-only leaf issuing signing
leaf server-only leaf issuing server
leaf other-dns leaf issuing other_dns
leaf no-dns leaf issuing no_dns
leaf organization leaf issuing leaf $from $until -subj '/C=FI/O=Esimerkki Oyj/CN=leima.esimerkki.fi/serialNumber=0123456-7'
leaf other-name leaf issuing leaf $from $until -subj '/C=FI/O=Esimerkki Oy/OU=Tietohallinto/CN=Esimerkki Oy Leimapalvelu'
leaf revoked
openssl ca -config ca.cnf -cert issuing.pem -keyfile issuing.key -revoke revoked.pem 2>/dev/null
openssl ca -config ca.cnf -cert issuing.pem -keyfile issuing.key -gencrl -out issuing.crl 2>/dev/null
rm revoked.pem
mv *.pem leaf.csr issuing.crl "$here/match/"

# What can be read: each holds the leaf, and some the chain.
cd "$here/match"
read=$here/read
cp leaf.pem "$read/leaf.pem"
cat root.pem issuing.pem leaf.pem > "$read/leaf-last.pem"
cat root.pem issuing.pem > "$work/chain.pem"
openssl pkcs12 -export -nokeys -in leaf.pem -certfile "$work/chain.pem" -caname 'the authority' -passout pass: -out "$work/all.p12"
openssl pkcs12 -in "$work/all.p12" -nokeys -passin pass: > "$read/bag-attributes.pem" 2>/dev/null
openssl x509 -in leaf.pem -text -out "$read/text.crt"
openssl x509 -in leaf.pem -trustout -addtrust clientAuth -out "$read/trusted.pem"
openssl x509 -in leaf.pem -outform DER -out "$read/leaf.cer"
for name in issuing leaf root; do openssl x509 -in $name.pem -outform DER; done > "$read/several.der"
openssl crl2pkcs7 -nocrl -certfile "$work/chain.pem" -certfile leaf.pem -out "$read/pkcs7.p7b"
openssl crl2pkcs7 -nocrl -certfile "$work/chain.pem" -certfile leaf.pem -outform DER -out "$read/pkcs7-der.p7b"
sed 's/PKCS7/CERTIFICATES/' "$read/pkcs7.p7b" > "$read/certificates.p7b"
base64 -w 64 "$read/pkcs7-der.p7b" > "$read/pkcs7-base64.p7b"
echo content | openssl cms -sign -signer leaf.pem -inkey "$work/leaf.key" -certfile "$work/chain.pem" -nodetach -binary -stream \
	-outform DER -out "$read/pkcs7-ber.p7m"
echo content | openssl cms -sign -signer leaf.pem -inkey "$work/leaf.key" -certfile issuing.pem -outform PEM -out "$read/cms.pem"
base64 -w 76 "$read/leaf.cer" > "$read/base64.txt"
{ echo 'Hei, varmenne ohessa:'; cat "$read/base64.txt"; echo Terveisin; echo 'P. Palvelu'; } > "$read/base64-in-mail.txt"
base64 -w 0 "$read/leaf.pem" > "$read/base64-of-pem.txt"
printf '\xEF\xBB\xBF' | cat - leaf.pem > "$read/bom.pem"
{ printf '\xFF\xFE'; iconv -t UTF-16LE leaf.pem; } > "$read/utf-16le.txt"
{ printf '\xFE\xFF'; iconv -t UTF-16BE leaf.pem; } > "$read/utf-16be.txt"
sed 's/$/\r/' leaf.pem > "$read/crlf.pem"
{ echo '> Hei, tilaamanne varmenne:'; sed 's/^/> /' leaf.pem; } > "$read/quoted-reply.txt"
{
	echo '<html><body><p>Hei &amp; kiitos &lt;vptuotanto@dvv.fi&gt;<br>'
	sed 's/$/<br>/; s/BEGIN C/BEGIN\&nbsp;C/; s/+/\&#43;/g; s/=/\&#61;/g' leaf.pem
	echo '</p></body></html>'
} > "$read/mail.html"
{
	printf 'From: vptuotanto@dvv.fi\nContent-Transfer-Encoding: quoted-printable\n\n'
	{ echo 'Väestötietovirasto: varmenne'; tr -d '\n' < leaf.pem | sed 's/-----BEGIN CERTIFICATE-----/&\n/; s/-----END/\n&/'; } |
		python3 -c 'import quopri, sys; quopri.encode(sys.stdin.buffer, sys.stdout.buffer, False)'
} > "$read/quoted-printable.eml"
python3 - "$read/leaf.cer" > "$read/attachment.eml" <<'PYTHON'
import sys
from email.message import EmailMessage
mail = EmailMessage()
mail['From'], mail['Subject'] = 'vptuotanto@dvv.fi', 'Varmenne'
mail.set_content('Hei, varmenne on liitteenä.')
mail.add_attachment(open(sys.argv[1], 'rb').read(), maintype='application', subtype='pkix-cert', filename='leima.cer')
mail.set_boundary('----rajaviiva')
sys.stdout.buffer.write(mail.as_bytes())
PYTHON
cat leaf.csr issuing.crl leaf.pem > "$read/request-and-list-beside.pem"

# What cannot be read. The name of a file is the reason for which it is refused, and what it is.
cd "$here/refused"
leaf=../match/leaf.pem
secret=$work/leaf.key
: > Empty.pem
printf ' \r\n\t\n' > Empty-white-space.txt
for name in {1..21}; do
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/x.key" -subj "/CN=$name" -days 9000 2>/dev/null
done > TooMany.pem
cp ../match/leaf.csr Request.csr
openssl req -in ../match/leaf.csr -outform DER -out Request-der.csr
cat $leaf "$secret" > PrivateKey-beside.pem
openssl rsa -in "$secret" -traditional -out PrivateKey-pkcs1.pem 2>/dev/null
openssl rsa -in "$secret" -outform DER -out PrivateKey-pkcs1.der -traditional 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in "$secret" -outform DER -out PrivateKey-pkcs8.der
base64 PrivateKey-pkcs8.der > PrivateKey-base64.txt
openssl ecparam -name prime256v1 -genkey -noout -outform DER -out PrivateKey-sec1.der
openssl pkcs8 -topk8 -in "$secret" -passout pass:secret -out PrivateKey-encrypted.pem
openssl pkcs8 -topk8 -in "$secret" -passout pass:secret -outform DER -out PrivateKey-encrypted.der
openssl rsa -in "$secret" -traditional -aes128 -passout pass:secret -out PrivateKey-proc-type.pem 2>/dev/null
{ cat $leaf; sed 's/$/<br>/; s/ /\&nbsp;/g' "$secret"; } > PrivateKey-in-mail.html
# In formats of other tools: OpenSSH's, with and without its armor, JSON Web Keys, .NET's XML, PuTTY's.
ssh-keygen -q -t ed25519 -N '' -C leima -f "$work/ssh.key" && cp "$work/ssh.key" PrivateKey-openssh.txt
ssh-keygen -q -t ed25519 -N secret -C leima -f "$work/sealed.key" && cp "$work/sealed.key" PrivateKey-openssh-encrypted.txt
grep -v -- ----- "$work/ssh.key" > PrivateKey-openssh-bare.txt
{ echo '> Hei, avain on tässä:'; openssl pkcs8 -topk8 -nocrypt -in "$secret" | grep -v -- ----- | sed 's/^/> > /'; } > PrivateKey-quoted.txt
sed 's/-----BEGIN PRIVATE KEY/—–BEGIN PRIVATE\nKEY/' "$secret" > PrivateKey-wrapped.txt
openssl rsa -in "$secret" -noout -text | sed 's/^privateExponent/    &/' > PrivateKey-text.txt
python3 - "$secret" "$work/ssh.key" <<'PYTHON'
import base64, hashlib, hmac, json, struct, sys
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key
rsa = load_pem_private_key(open(sys.argv[1], 'rb').read(), None).private_numbers()
numbers = {'n': rsa.public_numbers.n, 'e': rsa.public_numbers.e, 'd': rsa.d, 'p': rsa.p, 'q': rsa.q, 'dp': rsa.dmp1,
           'dq': rsa.dmq1, 'qi': rsa.iqmp}
octets = {name: number.to_bytes((number.bit_length() + 7) // 8, 'big') for name, number in numbers.items()}
unpadded = lambda value: base64.urlsafe_b64encode(value).rstrip(b'=').decode()
jwk = json.dumps({'keys': [{'kty': 'RSA', 'kid': 'leima', **{name: unpadded(value) for name, value in octets.items()}}]})
names = dict(zip(octets, ['Modulus', 'Exponent', 'D', 'P', 'Q', 'DP', 'DQ', 'InverseQ']))
xml = '<RSAKeyValue>' + ''.join(
    f'<{names[name]}>{base64.b64encode(value).decode()}</{names[name]}>' for name, value in octets.items()) + '</RSAKeyValue>'
escaped = lambda text: text.replace('<', '&lt;').replace('>', '&gt;').replace('"', '&quot;')
certificate = open('../match/leaf.pem').read()
for name, text in {
    'jwk.json': jwk, 'jwk-in-mail.html': f'<html><body>{certificate}<p>{escaped(jwk)}</p></body></html>',
    'oct.json': json.dumps({'kty': 'oct', 'k': unpadded(bytes(range(32)))}),
    'xml.xml': xml, 'xml-in-mail.html': f'<html><body><p>{escaped(xml)}</p></body></html>',
    'xml-base64.txt': base64.encodebytes(xml.encode()).decode(),
}.items():
    open(f'PrivateKey-{name}', 'w').write(text + '\n')
# PuTTY's format 2, as its manual has it (appendix C), without a passphrase.
ssh = load_ssh_private_key(open(sys.argv[2], 'rb').read(), None)
string = lambda value: struct.pack('>I', len(value)) + value
public = string(b'ssh-ed25519') + string(ssh.public_key().public_bytes_raw())
private = string(ssh.private_bytes_raw())
signed = b''.join(string(part) for part in (b'ssh-ed25519', b'none', b'leima', public, private))
mac = hmac.new(hashlib.sha1(b'putty-private-key-file-mac-key').digest(), signed, hashlib.sha1).hexdigest()
lines = lambda value: base64.encodebytes(value).decode()
parts = [f'{len(lines(value).split())}\n{lines(value)}' for value in (public, private)]
ppk = (f'PuTTY-User-Key-File-2: ssh-ed25519\nEncryption: none\nComment: leima\nPublic-Lines: {parts[0]}'
       f'Private-Lines: {parts[1]}Private-MAC: {mac}\n')
open('PrivateKey-putty.ppk', 'w').write(ppk)
open('PrivateKey-putty-quoted.txt', 'w').write(certificate + ''.join(f'> {line}\n' for line in ppk.splitlines()))
open('PrivateKey-putty-base64.txt', 'w').write(base64.encodebytes(ppk.encode()).decode())
PYTHON
openssl cms -encrypt -aes128 -in $leaf -outform PEM -out Encrypted-cms.pem $leaf
openssl cms -encrypt -aes128 -in $leaf -outform DER -out Encrypted.p7m $leaf
printf -- '-----BEGIN PGP MESSAGE-----\n\nhQEMA9lmDMQ=\n=abcd\n-----END PGP MESSAGE-----\n' > Encrypted-pgp.asc
openssl pkcs12 -export -in $leaf -inkey "$secret" -passout pass:secret -out PKCS12.pfx
base64 PKCS12.pfx > PKCS12-base64.txt
keytool -importcert -noprompt -storetype JKS -keystore Keystore.jks -storepass secret -alias a -file $leaf 2>/dev/null
cp $leaf "$work/leaf.pem" && (cd "$work" && zip -q -X leaf.zip leaf.pem) && cp "$work/leaf.zip" Archive.zip
gzip -n -c $leaf > Archive.gz
printf '%%PDF-1.7\n%%\xE2\xE3\xCF\xD3\n1 0 obj\n' > Document.pdf
printf '\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1mail of Outlook' > Document.msg
echo '<!DOCTYPE html><html><body>Kirjaudu sisään</body></html>' > Document-page.html
cp ../match/issuing.crl RevocationList.crl
openssl crl -in ../match/issuing.crl -outform DER -out RevocationList-der.crl
openssl crl2pkcs7 -in ../match/issuing.crl -out NoCertificate.p7b
openssl x509 -in $leaf -noout -pubkey > NoCertificate-public-key.pem
echo 'Hei, varmenne tulee ensi viikolla.' > NoCertificate.txt
head -c 700 $leaf > Broken-cut-off.pem
{ head -n 5 $leaf; echo '[...]'; tail -n 5 $leaf; } > Broken-shortened.pem
openssl x509 -in $leaf -outform DER | head -c 500 > Broken-cut-off.der
head -c 2000 ../read/pkcs7-ber.p7m > Broken-pkcs7.p7m
{ echo '-----BEGIN CERTIFICATE-----'; openssl x509 -in $leaf -outform DER | tail -c +40 | base64; echo '-----END CERTIFICATE-----'; } > Broken-content.pem
