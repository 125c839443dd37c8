// TLS with Java: TlsClient.java ADDRESS PORT NAME CA VERSION full|resumed COUNT
// Prints one line of JSON for each connection, by this program's own clock. Java does not say whether it resumed.
import java.io.InputStream;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

class TlsClient {
    static SSLContext context(String authority) throws Exception {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null, null);
        try (InputStream pem = Files.newInputStream(Path.of(authority))) {
            store.setCertificateEntry("authority", CertificateFactory.getInstance("X.509").generateCertificate(pem));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        return context;
    }

    public static void main(String[] arguments) throws Exception {
        String name = arguments[2], authority = arguments[3];
        int port = Integer.parseInt(arguments[1]);
        SSLContext context = context(authority);
        for (int n = 0; n < Integer.parseInt(arguments[6]); n++) {
            // Sessions live in the context.
            SSLContext used = arguments[5].equals("resumed") ? context : context(authority);
            long begin = System.nanoTime();
            Socket plain = new Socket();
            // Else its Finished would wait for the acknowledgement of what it sends before.
            plain.setTcpNoDelay(true);
            plain.connect(new InetSocketAddress(arguments[0], port));
            long connected = System.nanoTime();
            SSLSocket tls = (SSLSocket) used.getSocketFactory().createSocket(plain, name, port, true);
            tls.setEnabledProtocols(new String[] {"TLSv" + arguments[4]});
            long before = System.nanoTime();
            tls.startHandshake();
            long ready = System.nanoTime();
            tls.getOutputStream().write("GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n".getBytes());
            tls.getInputStream().readAllBytes();
            tls.close();
            System.out.printf(Locale.ROOT, "{\"connect\": %.9f, \"handshake\": %.9f, \"resumed\": null}%n",
                (connected - begin) / 1e9, (ready - before) / 1e9);
        }
    }
}
