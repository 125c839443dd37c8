if [ -d /run/systemd/system ]; then
    systemctl daemon-reload || :
    # Upgraded: the new binary takes over if the old one was running.
    if [ "$1" -ge 1 ]; then systemctl try-restart wirespan.service || :; fi
fi
