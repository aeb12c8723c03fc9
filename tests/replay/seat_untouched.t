# Nobody touches it; a touch puts it off; at a locked screen and without a device nothing is to be locked.
device 1 keyboard
settings untouched=60
presence present 1
wait 59000
tap 1 KEY_A 90
wait 59000
wait 1000
presence locked
wait 600000
presence present 2
wait 59999
gone 1
wait 600000

verb lock
verb notify untouched
